"""How findings are counted."""

from functions.watch.findings import MAX_TEXT_CHARS, METRICS, Trouble, Watched


def test_export_counts_once_for_each_trouble() -> None:
    watched = Watched()
    watched.find(Trouble.KEY, "SendGrid refuses the key", "a", "b")
    watched.find(Trouble.KEY, "Lytics refuses the token", "b", "c")
    watched.find(Trouble.SILENT, "silent", "c")
    assert [watched.count(trouble) for trouble in Trouble] == [0, 3, 1, 0]
    assert METRICS.keys() == set(Trouble) - {Trouble.SKIPPED}


def test_each_export_gets_what_was_found_of_it() -> None:
    watched = Watched(exports=["a", "b"])
    watched.find(Trouble.JOB, "paused" * 1_000, "a")
    parts = watched.parts(1_795_000_000.9)
    assert parts["b"] == {"at_s": 1_795_000_000, "live": None, "findings": []}
    (finding,) = parts["a"]["findings"]
    assert finding["trouble"] == "webhook_job_trouble"
    assert len(finding["text"]) <= MAX_TEXT_CHARS
