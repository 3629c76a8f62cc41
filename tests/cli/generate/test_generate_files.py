"""What `oasis generate` finds, and where it writes."""

import pytest
from PIL import Image

from oasis.errors import ConfigurationError
from oasis.synthesis.batch.inputs import find_maps, find_photos, passed_over, with_instances
from oasis.synthesis.batch.output import OutputFolder


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def found(inputs, root):
    return [
        (i.name, i.path.relative_to(root).as_posix(), i.instance and i.instance.relative_to(root).as_posix())
        for i in inputs
    ]


def test_files_of_one_picture_are_one_input(tmp_path):
    touch(
        tmp_path,
        *(f"a/x_gtFine_{kind}.png" for kind in ("labelIds", "instanceIds", "color", "labelTrainIds")),
        "a/x_leftImg8bit.png",
        "b/x_gtFine_labelIds.png",
        "b/y_instanceIds.png",
        "b/z_color.png",
        "b/plain.PNG",
        "b/photo.jpg",
        "b/.hidden.png",
        ".cache/x_labelIds.png",
        "color.png",
    )
    assert found(find_maps(tmp_path), tmp_path) == [
        ("a/x", "a/x_gtFine_labelIds.png", "a/x_gtFine_instanceIds.png"),
        ("b/plain", "b/plain.PNG", None),
        ("b/x", "b/x_gtFine_labelIds.png", None),
        ("b/y", "b/y_instanceIds.png", None),
        ("b/z", "b/z_color.png", None),
        ("color", "color.png", None),
    ]


def test_files_that_are_not_read_are_counted(tmp_path):
    touch(tmp_path, "a/x_labelIds.png", "a/x_instanceIds.png", "a/x_color.png", "a/x_labelIds.json", "a/photo.JPG")
    touch(tmp_path, "a/._x_labelIds.png", ".DS_Store", "@eaDir/x_labelIds.png", "__MACOSX/a/x_labelIds.png", "README")
    inputs = find_maps(tmp_path)
    assert found(inputs, tmp_path) == [("a/x", "a/x_labelIds.png", "a/x_instanceIds.png")]
    counts = passed_over(tmp_path, inputs)
    assert counts == {"hidden": 4, ".png": 1, ".jpg": 1, "without an ending": 1}
    assert not passed_over(inputs[0].path, inputs)


def test_photos_are_told_from_maps(tmp_path):
    touch(
        tmp_path,
        "a/x_leftImg8bit.png",
        "a/x_gtFine_labelIds.png",
        "a/x_gtFine_color.png",
        "b/y.JPG",
        "z.jpeg",
        "b/w.webp",
    )
    assert [(name, path) for name, path, _ in found(find_photos(tmp_path), tmp_path)] == [
        ("a/x", "a/x_leftImg8bit.png"),
        ("b/w", "b/w.webp"),
        ("b/y", "b/y.JPG"),
        ("z", "z.jpeg"),
    ]


def test_a_single_file_finds_its_instance_map(tmp_path):
    touch(tmp_path, "x_labelIds.png", "x_instanceIds.png", "y_labelIds.png")
    assert found(find_maps(tmp_path / "x_labelIds.png"), tmp_path) == [("x", "x_labelIds.png", "x_instanceIds.png")]
    assert found(find_maps(tmp_path / "y_labelIds.png"), tmp_path) == [("y", "y_labelIds.png", None)]
    assert found(find_maps(tmp_path / "x_instanceIds.png"), tmp_path) == [("x", "x_instanceIds.png", None)]


def test_both_files_may_be_of_different_kinds(tmp_path):
    touch(tmp_path, "x_labelIds.tif", "x_instanceIds.png", "x_instanceIds.json")
    expected = [("x", "x_labelIds.tif", "x_instanceIds.png")]
    assert found(find_maps(tmp_path), tmp_path) == expected
    assert found(find_maps(tmp_path / "x_labelIds.tif"), tmp_path) == expected
    touch(tmp_path, "x_instanceIds.tif")
    assert found(find_maps(tmp_path / "x_labelIds.tif"), tmp_path) == [("x", "x_labelIds.tif", "x_instanceIds.tif")]


def test_a_folder_of_instances_may_hold_label_maps_too(tmp_path):
    touch(tmp_path, "maps/x_color.png", "maps/y.png", "maps/z_labelIds.png")
    touch(tmp_path, "inst/x_labelIds.png", "inst/x_instanceIds.png", "inst/y.png", "inst/z_instanceIds.png")
    paired = with_instances(find_maps(tmp_path / "maps"), tmp_path / "maps", tmp_path / "inst")
    assert found(paired, tmp_path) == [
        ("x", "maps/x_color.png", "inst/x_instanceIds.png"),
        ("y", "maps/y.png", "inst/y.png"),
        ("z", "maps/z_labelIds.png", "inst/z_instanceIds.png"),
    ]


def test_the_file_that_is_named_is_taken(tmp_path):
    touch(tmp_path, "x_color.png", "x_instanceIds.png", "x_labelIds.png", "y_leftImg8bit.png")
    for name in ("x_color.png", "x_instanceIds.png", "y_leftImg8bit.png"):
        assert find_maps(tmp_path / name)[0].path == tmp_path / name


@pytest.mark.parametrize(
    ("find", "names"),
    [
        (find_maps, ("x_labelIds.png", "x_labelIds.PNG")),
        (find_maps, ("x_gtFine_color.png", "x_color.png")),
        (find_photos, ("x.png", "x.jpg")),
    ],
    ids=["case", "prefix", "ending"],
)
def test_two_files_for_one_name(find, names, tmp_path):
    touch(tmp_path, *names)
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system knows no case")
    with pytest.raises(ConfigurationError, match=r"x.*x.*files of one name"):
        find(tmp_path)


def test_a_folder_of_links_is_searched_without_going_round(tmp_path):
    touch(tmp_path, "store/x_labelIds.png")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "link_labelIds.png").symlink_to(tmp_path / "store" / "x_labelIds.png")
    (tmp_path / "maps" / "round").symlink_to(tmp_path / "maps")
    assert found(find_maps(tmp_path / "maps"), tmp_path) == [("link", "maps/link_labelIds.png", None)]


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "/tmp/x.png", "a/../x.png", ""])
def test_names_stay_in_their_folder(name, tmp_path):
    with pytest.raises(ConfigurationError, match="leads out of --output"):
        OutputFolder(tmp_path / "out", overwrite=True).place(name)


def test_a_link_in_the_output_leads_nowhere(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere")
    output = OutputFolder(tmp_path / "out", overwrite=True)
    with pytest.raises(ConfigurationError, match=r"'a/x\.png' leads out"):
        output.require_free(["a/x.png"], [])
    with pytest.raises(ConfigurationError, match="leads out"):
        output.write("a/x.png", b"")
    assert not list((tmp_path / "elsewhere").iterdir())
    (tmp_path / "precious.png").write_text("precious")
    (tmp_path / "out" / "x.png").symlink_to(tmp_path / "precious.png")
    output.write("x.png", b"new")  # takes the link's place, not that of what it points at
    assert (tmp_path / "precious.png").read_text() == "precious"
    assert (tmp_path / "out" / "x.png").read_bytes() == b"new"


def test_names_used_twice_and_folders_in_the_way(tmp_path):
    output = OutputFolder(tmp_path, overwrite=True)
    with pytest.raises(ConfigurationError, match=r"Several pictures would be called a_0\.png"):
        output.require_free(["a_0.png", "b.png", "a_0.png"], [])
    (tmp_path / "c.png").mkdir()
    with pytest.raises(ConfigurationError, match=r"c\.png: a folder is in the way"):
        output.require_free(["c.png"], [])


def test_a_dangling_link_counts_as_there(tmp_path):
    (tmp_path / "x.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match=r"1 of 2 files exist already: .*x\.png"):
        OutputFolder(tmp_path, overwrite=False).require_free(["x.png", "y.png"], [])


def test_pngs_say_what_they_are_in_any_script(tmp_path):
    facts = {"seed": "3", "label map": "straße_東京.png"}
    path = OutputFolder(tmp_path, overwrite=False).write_png("deep/x.png", Image.new("RGB", (2, 2)), facts)
    assert Image.open(path).text == facts
    assert [p.name for p in path.parent.iterdir()] == ["x.png"]


def test_folders_that_cannot_be_searched(tmp_path, monkeypatch):
    touch(tmp_path, "x_labelIds.png")

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(ConfigurationError, match=r"this folder cannot be searched \(Permission denied\)"):
        find_maps(tmp_path)
