"""What every plug of Memo, and of the ETag cache, must do."""

from runtime_plugs import Plugs


def test_an_answer_is_found_again_word_for_word(plugs: Plugs) -> None:
    assert plugs.memo.get("k") is None
    plugs.memo.put("k", 'äöü {"a": "\u2028\\n"}')
    assert plugs.memo.get("k") == 'äöü {"a": "\u2028\\n"}'
    assert plugs.memo.get("other") is None


def test_the_first_answer_to_a_call_stays(plugs: Plugs) -> None:
    plugs.memo.put("k", "first")
    plugs.memo.put("k", "second")
    assert plugs.memo.get("k") == "first"


def test_an_etag_comes_with_the_body_that_it_names(plugs: Plugs) -> None:
    url = "https://host/repos/acme/tally/issues?page=1"
    assert plugs.etags.get(url) is None
    plugs.etags.put(url, 'W/"1"', "[]")
    plugs.etags.put(url, 'W/"2"', '[{"id": 1}]')
    assert plugs.etags.get(url) == ('W/"2"', '[{"id": 1}]')
    assert plugs.etags.get(url + "2") is None
