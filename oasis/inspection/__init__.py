"""Looking at data: what a dataset holds and what is wrong with it, and what each encoding shows to the networks."""
