"""The figures of docs/figures.md in plain Python over the stored JSON. It shares no code with the views or the report."""

import json
import re
from collections import defaultdict
from datetime import UTC, datetime
from statistics import median

DEFAULTS = {"", 0, "1970-01-01T00:00:00+0000"}
JOBS = {"brand": "brand_media", "media": "brand_media", "media_hashtag": "hashtag"}


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def day(moment):
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def time_of(key):
    digits = re.sub(r"\D", "", re.search(r"\d{4}-\d\d-\d\d_\d{6}", key)[0])
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()


class Data:
    """The objects of a folder with the shipped locations and mappings."""

    def __init__(self, folder):
        self.objects, self.quality = defaultdict(list), {}
        for path in sorted(folder.glob("**/*.json")):
            key = path.relative_to(folder).as_posix()
            model = re.search(r"(brand|media_hashtag|media)_\d", key)[1]
            if "quality/" in key:
                try:
                    self.quality[key] = json.loads(path.read_text())
                except ValueError:
                    continue
            else:
                self.objects[model].append((time_of(key), key, json.loads(path.read_text())))
        self.of_object = {q["object"]: q for q in self.quality.values() if q.get("object")}

    def topics(self, key, model):
        """The topics of an object by what its records name them."""
        listed = [t for t in self.of_object.get(key, {}).get("topics", []) if isinstance(t, dict)]
        return {t["topic"] if model == "brand" else t["user_id"]: t for t in listed}

    def results(self, model):
        """Each topic of each time once: its moment, whether that is known, its key and its records."""
        found = defaultdict(list)
        for time, key, records in self.objects[model]:
            topics = self.topics(key, model)
            by_owner = defaultdict(list)
            for record in records:
                by_owner[record["user_name"] or record["user_id"] if model == "brand" else record["user_id"]].append(record)
            for owner, topic in topics.items():
                if "kind" not in topic and not topic["records"]:
                    by_owner.setdefault(owner, [])
            for owner, own in by_owner.items():
                topic = topics.get(owner, {})
                asked = topic.get("asked_at")
                moment = seconds(asked) if asked else time
                found[time, owner].append(("kind" not in topic, moment, key, asked is not None, own))
        return [(time, *max(results)[1:]) for (time, _), results in found.items()]

    def rows(self, model):
        """The records with their moments, and None for every default."""
        rows = []
        for time, moment, key, _, records in self.results(model):
            quality = self.of_object.get(key)
            listed = defaultdict(dict)
            for field, reasons in (quality or {}).get("defaulted", {}).items():
                for reason, cases in reasons.items():
                    for case in cases:
                        listed[case["id"]][field] = reason
            known = quality is not None and not quality.get("not_listed")
            for record in records:
                reasons = listed[record["user_id"] if model == "brand" else record["media_id"]]
                owner = "" if model == "brand" else "user_id"
                row = {
                    name: None if name in reasons or (not known and name != owner and value in DEFAULTS) else value
                    for name, value in record.items()
                }
                hidden = reasons.get("like_count") == "not found field"
                rows.append(row | {"moment": moment, "time": time, "key": key, "hidden": hidden})
        return sorted(rows, key=lambda row: row["moment"])

    def topic_runs(self):
        runs = defaultdict(int)
        for quality in self.quality.values():
            for topic in quality.get("topics", []):
                key = (quality["job"], seconds(quality["time"]), topic["topic"], topic["asked_at"] and seconds(topic["asked_at"]))
                runs[*key, topic.get("kind")] += topic["records"]
        return runs

    def runs(self, every):
        """Each scheduled time: topics expected, collected and failed, and why."""
        topics = defaultdict(lambda: defaultdict(list))
        for (job, time, topic, _, kind), records in self.topic_runs().items():
            topics[job, time][topic].append((kind, records))
        rows = {}
        for (job, time), of_time in topics.items():
            collected = sum(any(kind is None or records for kind, records in tries) for tries in of_time.values())
            lost = [max(kind for kind, _ in tries) for tries in of_time.values() if all(kind for kind, _ in tries)]
            rows[job, time] = (len(of_time), collected, len(of_time) - collected, ", ".join(sorted(set(lost))) or None)
        for job in {job for job, _ in rows}:
            times = sorted(time for of, time in rows if of == job)
            for before, after in zip(times, times[1:]):
                for n in range(1, round((after - before) / every[job])):
                    rows[job, before + n * every[job]] = (None, 0, None, "nothing stored")
        return rows

    def followers_daily(self):
        counts = defaultdict(list)
        for row in self.rows("brand"):
            if row["followers_count"] is not None:
                counts[row["user_id"]].append((row["moment"], row["followers_count"]))
        rows = {}
        for house, all_counts in counts.items():
            for of in {day(t) for t, _ in all_counts}:
                window = [c for c in all_counts if day(c[0]) == of]
                before = [c for c in all_counts if day(c[0]) < of][-1:]
                runs, window = len(window), before + window
                rows[of, house] = (window[-1][1], gained(window), window[-1][1] - window[0][1], runs)
        return rows

    def posts(self):
        rows = self.rows("media")
        followers = defaultdict(list)
        for row in self.rows("brand"):
            if row["followers_count"] is not None:
                followers[row["user_id"]].append((row["moment"], row["followers_count"]))
        sights, responses = defaultdict(list), defaultdict(lambda: defaultdict(list))
        for row in rows:
            sights[row["user_id"], row["media_id"]].append(row)
            if row["timestamp"]:
                responses[row["user_id"]][row["moment"]].append(seconds(row["timestamp"]))
        posts = {}
        for (house, medium), seen in sights.items():
            last = {name: next((r[name] for r in reversed(seen) if r[name] is not None), None) for name in seen[0]}
            post = {"first_seen": seen[0]["moment"], "last_seen": seen[-1]["moment"], "likes": last["like_count"], "comments": last["comments_count"]}
            published = seconds(last["timestamp"]) if last["timestamp"] else None
            product = last["media_product_type"]
            kind = last["media_type"] if product in (None, "", "FEED") else product
            post |= {"published_at": published, "media_type": last["media_type"], "kind": kind, "hidden": seen[-1]["hidden"]}
            known = [(r["moment"], r["like_count"]) for r in seen if r["like_count"] is not None]
            for name, age in {"likes_1h": 3600, "likes_3h": 10800, "likes_24h": 86400, "likes_7d": 604800}.items():
                post[name] = published and at_age([(published, 0), *known], published + age)
            counts = followers.get(house, [])
            base = [n for t, n in counts if published and t <= published][-1:] or ([counts[0][1]] if counts and published else [])
            post["followers_at_post"] = base[0] if base else None
            complete = base and None not in (post["likes"], post["comments"])
            post["engagement_per_mille"] = 1000 * (post["likes"] + post["comments"]) / base[0] if complete else None
            gone = [t for t, others in responses[house].items() if t > post["last_seen"] and published and min(others) < published]
            post["gone_by"] = min(gone, default=None)
            posts[house, medium] = post
        return posts

    def gains(self):
        """The likes and comments gained by house and moment."""
        rows = self.rows("media")
        responses, first, published, known = defaultdict(list), {}, {}, {}
        for row in rows:
            if row["moment"] not in responses[row["user_id"]]:
                responses[row["user_id"]].append(row["moment"])
            if row["timestamp"]:
                published[row["user_id"], row["media_id"]] = seconds(row["timestamp"])
        gains = defaultdict(lambda: [None, None])
        for row in rows:
            post = (row["user_id"], row["media_id"])
            first.setdefault(post, row["moment"])
            of_house = gains[row["user_id"], row["moment"]]
            for n, name in enumerate(["like_count", "comments_count"]):
                count = row[name]
                if count is None:
                    continue
                if (post, name) in known:
                    gain = count - known[post, name]
                else:
                    earlier = [t for t in responses[post[0]] if t < first[post]]
                    gain = count if earlier and published.get(post, 0) > earlier[-1] else None
                known[post, name] = count
                if gain is not None:
                    of_house[n] = (of_house[n] or 0) + gain
        return {key: tuple(of_house) for key, of_house in gains.items()}

    def under_hashtags(self):
        """The distinct media by day, and by day and house."""
        of_day, of_house = defaultdict(set), defaultdict(set)
        for _, moment, _, _, records in self.results("media_hashtag"):
            for record in records:
                of_day[day(moment)].add(record["media_id"])
                of_house[day(moment), record["user_id"]].add(record["media_id"])
        return of_day, of_house


    def only_new_posts(self):
        """The house and moment of each response that had only posts that no earlier one of the house had."""
        found, seen = set(), {}
        for _, moment, key, _, records in sorted(self.results("media_hashtag"), key=lambda result: result[1]):
            for house in {record["user_id"] for record in records}:
                ids = {record["media_id"] for record in records if record["user_id"] == house}
                if house in seen and not ids & seen[house]:
                    found.add((house, moment))
                seen.setdefault(house, set()).update(ids)
        return found


def at_age(counts, target):
    for (t, n), (u, m) in zip(counts, counts[1:]):
        if t < target <= u:
            return int(n + (m - n) * (target - t) / (u - t) + 0.5) if u - t <= 10800 else None
    return None


def gained(window):
    """The followers gained within the two levels of the API."""
    if len(window) < 12:
        return None
    (start, first), (end, last) = window[0], window[-1]
    rate = median((b[1] - a[1]) / (b[0] - a[0]) for a, b in zip(window, window[1:]))
    residuals = [n - rate * (t - start) for t, n in window]
    ordered = sorted(residuals)
    gaps = sorted(((b - a, a) for a, b in zip(ordered, ordered[1:])), reverse=True)
    (gap, below), (next_gap, _) = gaps[:2]
    if not (gap > 2 * next_gap and gap > first / 10_000):
        return last - first
    total = 0
    for is_upper in [False, True]:
        level = [count for count, residual in zip(window, residuals) if (residual > below) is is_upper]
        if len(level) < 2 or level[-1][0] - level[0][0] < (end - start) / 2:
            return None
        total += len(level) * (level[-1][1] - level[0][1]) / (level[-1][0] - level[0][0])
    estimate = total * (end - start) / len(window)
    return int(abs(estimate) + 0.5) * (1 if estimate >= 0 else -1)
