"""`course.py submit`: through nbgrader's exchange where there is one, as a zip where there is none, never half."""

import errno
import os
import re
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


def written(course, *exercises):
    """The chapter's notebook in `work/` with these exercises written."""
    path = course / "work" / CHAPTER / f"{CHAPTER}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in exercises:
            cell.source = cell.source.replace('raise NotImplementedError("Your turn: replace this line.")', "return x")
    nbformat.write(notebook, path)


def test_untouched_exercises_and_other_notebooks_are_told(course, capsys):
    written(course, "softmax", "attention")
    shutil.copy(course / "work" / CHAPTER / f"{CHAPTER}.ipynb", course / "work" / CHAPTER / "second try.ipynb")
    assert submit.main([CHAPTER], course) == 0
    said = capsys.readouterr().out
    assert "Still as it was released: attention_scores, blockwise_attention, quiz." in said
    assert "beside it lies second try.ipynb" in said


def test_at_a_keyboard_it_is_asked_first(course, monkeypatch, capsys):
    monkeypatch.setattr(submit.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert submit.main([CHAPTER], course) == 1
    assert "Nothing was handed in" in capsys.readouterr().out and not (course / "work" / "submissions").exists()
    assert submit.main([CHAPTER, "--yes"], course) == 0


@pytest.mark.parametrize("word", ["02", "2", "mechanism"])
def test_a_chapter_has_a_number_and_a_part_of_its_name(course, word):
    assert submit.main([word], course) == 0
    assert list((course / "work" / "submissions").glob(f"{CHAPTER}--*.zip"))


@pytest.mark.parametrize("moment", [0, 7_300_000_000])
def test_files_of_any_date_are_handed_in(course, moment):
    os.utime(course / "work" / CHAPTER / "helper.py", (moment, moment))
    assert submit.main([CHAPTER], course) == 0
    (archive,) = (course / "work" / "submissions").iterdir()
    assert f"{CHAPTER}/helper.py" in zipfile.ZipFile(archive).namelist()


def test_links_are_followed_and_a_zip_is_never_empty(course):
    folder, elsewhere = course / "work" / CHAPTER, course / "elsewhere"
    folder.rename(elsewhere)
    (elsewhere / "data.txt").symlink_to(elsewhere / "helper.py")
    folder.symlink_to(elsewhere)
    assert submit.main([CHAPTER], course) == 0
    (archive,) = (course / "work" / "submissions").iterdir()
    with zipfile.ZipFile(archive) as opened:
        assert opened.read(f"{CHAPTER}/data.txt") == b"answer = 42\n" and f"{CHAPTER}/{CHAPTER}.ipynb" in opened.namelist()


def test_a_full_disk_leaves_no_half_zip(course, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    assert submit.main([CHAPTER], course) == 1
    assert "No space left" in capsys.readouterr().err and not list((course / "work" / "submissions").iterdir())


@pytest.mark.parametrize(("name", "wanted"), [(None, "user"), ("", "learner"), ("ada--b c/d", "ada-b-c-d"), ("Zoë", "Zoë")])
def test_any_user_gets_a_name_that_a_file_can_bear(monkeypatch, name, wanted):
    def getuser():
        if name is None:
            raise KeyError("getpwuid(): uid not found: 54321")
        return name

    monkeypatch.setattr(submit, "getuser", getuser)
    assert submit.user().startswith(wanted)


@pytest.mark.parametrize("course_id", ["transformers", "nlp-2026"])
def test_the_exchange_of_a_hub_is_found_where_the_hub_configures_it(course, root, monkeypatch, capsys, course_id):
    monkeypatch.delenv("COURSE_EXCHANGE")
    hub = course / "hub"
    place = hub / "exchange" / course_id
    (place / "inbound").mkdir(parents=True)
    (place / "inbound").chmod(0o777)
    shutil.copytree(root / "notebooks" / CHAPTER, place / "outbound" / CHAPTER)
    config = f"c = get_config()\nc.Exchange.root = {str(hub / 'exchange')!r}\nc.CourseDirectory.course_id = {course_id!r}\n"
    (hub / "nbgrader_config.py").write_text(config)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(hub))
    assert submit.main([CHAPTER], course) == 0
    assert "through the exchange" in capsys.readouterr().out and len(list((place / "inbound").iterdir())) == 1


def test_nbgrader_collects_the_zips_as_they_come_and_the_latest_counts(course, tmp_path, monkeypatch):
    from autograder.classroom.class_run import ClassRun

    made = ClassRun(tmp_path / "class", CHAPTER, say=lambda line: None)
    archive = made.folder / "downloaded" / CHAPTER / "archive"
    archive.mkdir(parents=True)
    for hour, name, prefix, suffix in [(8, "ada", "", ""), (9, "ada", "Ada L._77_file_", " (1)"), (9, "bo.b@x", "", "")]:
        monkeypatch.setattr(submit, "getuser", lambda name=name: name)
        (course / "work" / CHAPTER / "helper.py").write_text(f"answer = {hour}\n")
        assert submit.main([CHAPTER], course) == 0
        (made_zip,) = (course / "work" / "submissions").iterdir()
        stem = re.sub(r"\d{6}$", f"{hour:02}0000", made_zip.stem)
        made_zip.rename(archive / f"{prefix}{stem}{suffix}.zip")
    said = made.nbgrader("zip_collect", CHAPTER)
    submitted = made.folder / "classroom" / "submitted"
    assert {path.name for path in submitted.iterdir()} == {"ada", "bo.b@x"}, said
    assert (submitted / "ada" / CHAPTER / "helper.py").read_text() == "answer = 9\n"
    assert nbformat.read(submitted / "ada" / CHAPTER / f"{CHAPTER}.ipynb", as_version=4).cells
