from collections import defaultdict
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, request_scope

from local_cloud.testing.dynamodb_in_a_hurry import copied, items_of_the_caller


def test_a_copy_of_an_item_is_equal_and_shares_nothing_that_can_change() -> None:
    item = {
        "item": {"S": "a"},
        "list": {"L": [{"M": {"n": {"N": "1"}}}]},
        "set": {"BS": [b"1"]},
        "none": None,
    }

    made = copied(item)
    assert made == item
    made["list"]["L"][0]["M"]["n"]["N"] = "2"
    made["item"]["S"] = "b"

    assert item["list"] == {"L": [{"M": {"n": {"N": "1"}}}]}
    assert item["item"] == {"S": "a"}


def test_what_is_no_part_of_an_item_is_copied_as_ever() -> None:
    items: defaultdict[str, dict[str, Any]] = defaultdict(dict, {"a": {"b": {}}})

    made = copied({"items": items})["items"]
    made["a"]["b"]["c"] = 1
    made["new"]["d"] = 1

    assert items == {"a": {"b": {}}}


def test_each_account_and_region_sees_what_is_its_own() -> None:
    stored: Any = AccountRegionScopedDict()
    for account_id, region in (("1", "a"), ("1", "b"), ("2", "a")):
        with request_scope(account_id, region):
            stored["name"] = account_id + region

    for account_id, region in (("1", "a"), ("1", "b"), ("2", "a")):
        with request_scope(account_id, region):
            assert items_of_the_caller(stored) == [("name", account_id + region)]
