"""Which log events a filter pattern matches, by the examples' kinds of the CloudWatch Logs user guide."""

import json

import pytest

from local_cloud.cloudwatch.filter_patterns import UnsupportedPatternError, compile_pattern

EVENT = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
        "bandwidth": 75.5,
        "level": "ERROR",
        "a b": 1,
        "user-agent": "[x]?",
    }
)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("", ["anything", ""], []),
        ("  ", ["anything"], []),
        ("ERROR", ["[ERROR 400] BAD REQUEST", "ERROR"], ["error", "WARN"]),
        ("ERROR 400", ["[ERROR 400] BAD"], ["[ERROR 401]", "400"]),
        ('"INTERNAL SERVER ERROR"', ["[500] INTERNAL SERVER ERROR"], ["INTERNAL ERROR SERVER"]),
        ("?ERROR ?WARN", ["ERROR", "WARN x"], ["INFO"]),
        ('?"A B" ?C', ["xA B", "C"], ["A", "B"]),
        ("ERROR -EXIT", ["ERROR"], ["ERROR EXIT", "x"]),
        ('ERROR -"not so bad"', ["ERROR"], ["ERROR not so bad"]),
        ('"say \\"no\\""', ['say "no"'], ["say no"]),
        ("+ERROR", ["ERROR"], ["x"]),
    ],
)
def test_terms(pattern: str, matching: list[str], other: list[str]) -> None:
    matches = compile_pattern(pattern)

    assert [message for message in matching if not matches(message)] == []
    assert [message for message in other if matches(message)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        "{ $.eventType = UpdateTrail }",
        '{$.eventType="Update*"}',
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.sourceIPAddress = 111.111.* }",
        '{ $.arrayKey[0] = "value" }',
        "{ $.objectList[1].id = 2 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        "{ $.bandwidth > 75 }",
        "{ $.bandwidth <= 75.5 && $.bandwidth >= 7.55e1 }",
        "{ $.bandwidth != 75 }",
        "{ $.level = INFO || $.bandwidth < 80 }",
        '{ ($.level = "ERROR" && $.bandwidth = 1) || ($.level = "ERROR" && $.bandwidth > 1) }',
        '{ $["a b"] = 1 }',
        '{ $.user-agent = "[x]?" }',
    ],
)
def test_json_patterns_that_match(pattern: str) -> None:
    assert compile_pattern(pattern)(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "Update" }',
        '{ $.eventType = "updatetrail" }',
        '{ $.eventType != "UpdateTrail" }',
        "{ $.absent != 1 }",
        '{ $.absent = "*" }',
        '{ $.bandwidth = "75.5" }',
        "{ $.ThisFlag = 1 }",
        "{ $.ThisFlag IS FALSE }",
        "{ $.SomeOtherObject IS NULL }",
        "{ $.SomeObject NOT EXISTS }",
        "{ $.arrayKey[2] = value }",
        "{ $.eventType = UpdateTrail && $.bandwidth > 76 }",
        "{ $.level = INFO || $.level = WARN }",
        '{ $.user-agent = "x" }',
    ],
)
def test_json_patterns_that_do_not(pattern: str) -> None:
    assert not compile_pattern(pattern)(EVENT)


@pytest.mark.parametrize("message", ["no JSON", "[1]", "1", "", "[" * 100_000])
def test_a_message_that_is_no_object_matches_no_json_pattern(message: str) -> None:
    assert not compile_pattern("{ $.a NOT EXISTS }")(message)


@pytest.mark.parametrize(
    "pattern",
    [
        "%ERR.R%",
        "[a, b]",
        "?ERROR WARN",
        "ERROR ?WARN -INFO",
        '"open',
        "a=b",
        "{ $.a = 1",
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = %x% }",
        "{ $.a[*] = 1 }",
        "{ $.a = 1 && }",
        "{ $.a = 1 $.b = 2 }",
        "{ ($.a = 1 }",
        "{ $.a > b }",
        "{ $.a IS MAYBE }",
        "{ a = 1 }",
        "{" + "(" * 1000 + "$.a = 1" + ")" * 1000 + "}",
    ],
)
def test_what_is_not_modelled_is_refused(pattern: str) -> None:
    with pytest.raises(UnsupportedPatternError):
        compile_pattern(pattern)
