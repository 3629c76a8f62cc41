"""Reading pictures: photos, and maps of numbers in any mode and format."""
