"""Judging: what an instrument said → a value; a value and the rules → a verdict. Pure."""

from gateway.judging.normalise import normalise
from gateway.judging.rules import Rule, Rules, RulesError, load_rules
from gateway.judging.verdict import Judgement, judge
from gateway.wire.catalogue import item_code

__all__ = [
    "Judgement",
    "Rule",
    "Rules",
    "RulesError",
    "item_code",
    "judge",
    "load_rules",
    "normalise",
]
