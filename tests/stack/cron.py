"""AWS's cron expressions, as far as to tell when one fires, or that it never does.

cfn-lint does not read them. A deployment refuses some, and takes others that never fire.
"""

import calendar
from datetime import datetime, timedelta

NAMES = {name.upper(): i for i, name in enumerate(calendar.month_abbr) if name}
DAYS = {name: i for i, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], start=1)}
RANGES = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (1, 7), "year": (1970, 2199)}


class CronError(ValueError):
    """An expression that AWS would refuse, or that this reader does not know."""


def field(name: str, text: str) -> set[int]:
    low, high = RANGES[name]
    names = {"month": NAMES, "weekday": DAYS}.get(name, {})

    def number(word: str) -> int:
        value = names.get(word.upper())
        if value is None and not word.isdigit():
            raise CronError(f"{name}: {word!r}")
        value = int(word) if value is None else value
        if not low <= value <= high:
            raise CronError(f"{name}: {value} is not from {low} to {high}")
        return value

    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and (not step.isdigit() or int(step) == 0):
            raise CronError(f"{name}: step {step!r}")
        if span in ("*", "?"):
            first, last = low, high
        elif "-" in span:
            first, last = map(number, span.split("-", 1))
        else:
            first = number(span)
            last = high if slash else first
        if first > last:
            raise CronError(f"{name}: {span}")
        values |= set(range(first, last + 1, int(step) if slash else 1))
    return values


def parse(expression: str) -> dict[str, set[int]]:
    if not (expression.startswith("cron(") and expression.endswith(")")):
        raise CronError(f"{expression!r} is not cron(...)")
    parts = expression[5:-1].split()
    if len(parts) != len(RANGES):
        raise CronError(f"{len(parts)} fields of {len(RANGES)}")
    if (parts[2] == "?") == (parts[4] == "?"):
        raise CronError("exactly one of day and weekday is ?")
    if "?" in parts[0] + parts[1] + parts[3] + parts[5]:
        raise CronError("? can only replace a day or a weekday")
    return {name: field(name, text) for name, text in zip(RANGES, parts)}


def times(expression: str, day: datetime, days: int = 1) -> list[datetime]:
    """When it fires on `days` days from `day` on."""
    fields = parse(expression)
    fires = []
    for date in (day + timedelta(days=n) for n in range(days)):
        weekday = date.isoweekday() % 7 + 1
        if date.year in fields["year"] and date.month in fields["month"] and date.day in fields["day"] and weekday in fields["weekday"]:
            fires += [date.replace(hour=h, minute=m) for h in sorted(fields["hour"]) for m in sorted(fields["minute"])]
    return fires
