"""`course.py submit`: through nbgrader's exchange where there is one, as a zip where there is none, never half."""

import shutil
import zipfile

import nbformat
import pytest

from autograder.commands import submit

CHAPTER = "02_attention_mechanism"


@pytest.fixture
def course(tmp_path, root, monkeypatch):
    """A course folder with the released chapter in `work/`, and no exchange."""
    folder = tmp_path / "work" / CHAPTER
    folder.mkdir(parents=True)
    shutil.copy(root / "notebooks" / CHAPTER / f"{CHAPTER}.ipynb", folder)
    (folder / "helper.py").write_text("answer = 42\n")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "old.ipynb").write_text("{}")
    monkeypatch.setenv("COURSE_EXCHANGE", str(tmp_path / "exchange"))
    return tmp_path


def open_exchange(course, root):
    place = course / "exchange" / "transformers"
    (place / "inbound").mkdir(parents=True)
    (place / "inbound").chmod(0o777)
    shutil.copytree(root / "notebooks" / CHAPTER, place / "outbound" / CHAPTER)
    return place / "inbound"


def test_without_an_exchange_a_dated_zip_is_made(course, capsys):
    assert submit.main([CHAPTER], course) == 0
    said = capsys.readouterr().out
    (archive,) = (course / "work" / "submissions").glob("*.zip")
    assert archive.name in said
    with zipfile.ZipFile(archive) as opened:
        assert sorted(opened.namelist()) == [f"{CHAPTER}/{CHAPTER}.ipynb", f"{CHAPTER}/helper.py"]


def test_with_an_exchange_the_work_arrives_there(course, root, capsys):
    inbound = open_exchange(course, root)
    assert submit.main([CHAPTER], course) == 0
    assert "through the exchange" in capsys.readouterr().out
    (arrived,) = inbound.iterdir()
    assert nbformat.read(arrived / f"{CHAPTER}.ipynb", as_version=4).cells
    assert (arrived / "helper.py").is_file() and (arrived / "timestamp.txt").is_file()
    assert submit.main([CHAPTER], course) == 0
    assert len(list(inbound.iterdir())) == 2


def test_a_zip_can_be_had_where_there_is_an_exchange(course, root):
    inbound = open_exchange(course, root)
    assert submit.main([CHAPTER, "--zip"], course) == 0
    assert not list(inbound.iterdir()) and list((course / "work" / "submissions").glob("*.zip"))


def test_a_full_exchange_or_a_closed_one_is_told(course, root, capsys):
    inbound = open_exchange(course, root)
    shutil.rmtree(inbound)
    inbound.write_text("no folder")
    assert submit.main([CHAPTER], course) == 0
    assert "There is no exchange" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{not json", None])
def test_what_is_no_notebook_is_not_handed_in(course, capsys, content):
    notebook = course / "work" / CHAPTER / f"{CHAPTER}.ipynb"
    notebook.unlink()
    if content is not None:
        notebook.write_text(content)
    assert submit.main([CHAPTER], course) == 1
    assert CHAPTER in capsys.readouterr().err
    assert not (course / "work" / "submissions").exists()


def test_an_unknown_chapter_is_wrong_usage(course):
    with pytest.raises(SystemExit) as stopped:
        submit.main(["99_nothing"], course)
    assert stopped.value.code == 2
