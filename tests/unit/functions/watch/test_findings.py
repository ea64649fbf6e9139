"""How findings are counted."""

from functions.watch.findings import METRICS, Trouble, Watched


def test_export_counts_once_for_each_trouble() -> None:
    watched = Watched()
    watched.find(Trouble.KEY, "SendGrid refuses the key", "a", "b")
    watched.find(Trouble.KEY, "Lytics refuses the token", "b", "c")
    watched.find(Trouble.SILENT, "silent", "c")
    assert [watched.count(trouble) for trouble in Trouble] == [0, 3, 1, 0]
    assert METRICS.keys() == set(Trouble) - {Trouble.SKIPPED}
