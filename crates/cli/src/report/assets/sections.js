// The sections on what was collected. Each is given its box and puts into it a sentence that says what
// the range shows, a chart, and the figures behind it.

const say = (box, takeaway, lede) => box.append(el("p", { class: "takeaway" }, takeaway), el("p", { class: "lede" }, lede));
const NO_ESTIMATE = `takes ${MIN_COUNTS} counts in 24 h`;
const panel = (title, ...beside) => el("div", { class: "panel-head" }, el("h3", {}, title), ...beside);
const chartBox = (box) => box.appendChild(el("div", { class: "chart" }));
const most = (list, by) => list.reduce((best, item) => (by(item) != null && (!best || by(item) > by(best)) ? item : best), null);

function barCell(value, largest, house, text) {
  const bar = el("i");
  bar.style.width = `${largest > 0 ? Math.max(0, (100 * value) / largest) : 0}%`;
  bar.style.background = variable(house);
  return el("span", {}, el("span", { class: "bar", "aria-hidden": "true" }, bar), el("span", { class: "figure" }, text));
}

// A table with bars in it; the bar is in the column `bar`.
function barTable(head, body, bar) {
  const made = table(null, head.map(([text]) => text), body);
  for (const row of made.rows) [...row.cells].forEach((cell, i) => {
    if (head[i][1]) cell.classList.add(head[i][1]);
    if (i === bar && row.parentElement.tagName === "TBODY") cell.classList.add("barcell");
  });
  return made;
}

function headline(box) {
  const houses = shown();
  const { best, limits } = gains();
  const gained = add(total("media", "likes_gained"), total("media", "comments_gained"));
  const posted = DATA.posts.filter((p) => !STATE.off.has(p.house) && p.time >= STATE.from && p.time <= STATE.to);
  const one = houses.length === HOUSES.length ? [null] : houses;
  const all = MODELS.slice(1).map((m) => [total(m, "likes_hidden"), total(m, "records")]);
  const [hidden, records] = [sum(all.map((a) => a[0])), sum(all.map((a) => a[1]))];
  const failed = failuresInRange().length;
  const gone = missingInRange();
  const item = (term, figure, note, cls) => el("div", {}, el("dt", {}, term),
    el("dd", { class: `number ${cls ?? ""}` }, figure), el("dd", { class: "note" }, note));
  box.replaceChildren(
    item("Followers gained", signed(best?.estimate), best ? `${houses.length > 1 ? "the most, " : ""}by ${best.house.label}${limits}` : NO_ESTIMATE),
    item("Posts by the houses", n(posted.length), posted.length ? `published, by ${many(new Set(posted.map((p) => p.house)).size, "house")}` : "published in this time"),
    item("Interactions gained", compact(gained), gained == null ? "likes and comments: takes two runs" : "likes and comments added to the houses’ posts"),
    item("Posts under hashtags", compact(sum(one.map(distinct))), one.length > 1 ? "distinct for each house, added up" : "distinct"),
    item("Hidden likes", percent(hidden, records), "of all records: left out by the API, not 0"),
    item("Failures", n(failed), gone ? `topics; and ${many(gone, "run")} missing` : "topics; no run is missing", failed || gone ? "bad" : ""),
  );
}

function followers(box) {
  const { houses, best, limits } = gains();
  say(box, !best ? "Nobody knows what the houses gained in this time." : houses.length === 1 ? `${best.house.label} gained ${signed(best.estimate)} followers${limits}.` : best.estimate > 0 ? `${best.house.label} gained the most followers: ${signed(best.estimate)}${limits}.` : `No house gained followers in this time${limits}.`,
    `The API answers from two levels that differ by tens of thousands, and both grow. What a house gained is therefore an estimate from the growth within the levels; the difference of two counts can be wrong even in its sign. It ${NO_ESTIMATE}, on both levels if there are two. “As reported” shows the counts themselves.`);
  const split = box.appendChild(el("div", { class: "split" }));
  const left = split.appendChild(el("div"));
  const modes = { change: "Gained", share: "Gained in ‰", total: "As reported" };
  left.append(panel("Followers over time", switcher("Followers as", modes, STATE.followers, (key) => { STATE.followers = key; render(); })));
  const at = rows("brand");
  const worth = { change: (h, i) => h.line.get(i), share: (h, i) => (h.line.has(i) && h.last ? (1000 * h.line.get(i)) / h.last : null), total: (h, i) => values("brand", "followers", h.house)[i] }[STATE.followers];
  const tell = { change: signed, share: (y) => `${y < 0 ? "−" : "+"}${Math.abs(y).toFixed(3)} ‰`, total: n }[STATE.followers];
  // A missing count does not interrupt the line; a time without an estimate does.
  const series = houses.map((h) => ({ house: h.house, values: at.map((i) => worth(h, i) ?? (values("brand", "followers", h.house)[i] == null ? undefined : null)) }));
  const axis = { change: signed, share: (y) => `${+y.toFixed(3)}`, total: compact }[STATE.followers];
  timeChart(chartBox(left), { label: "Followers of each house over time", x: at.map((i) => times("brand")[i]), series, format: tell, axisFormat: axis, whole: STATE.followers !== "share", split: true, height: 380 });
  left.append(figures("followers", () => timeTable("Followers", "brand", at.map((i) => ({ time: times("brand")[i], rows: [i] })), (house, p) => {
    const [count, h] = [values("brand", "followers", house)[p.rows[0]], houses.find((other) => other.house === house)];
    return count != null && h?.upper.has(p.rows[0]) ? `${n(count)} ▲` : n(count);
  }), "▲ answered from the upper level"));
  houses.sort((a, b) => (b.estimate ?? -Infinity) - (a.estimate ?? -Infinity));
  const largest = Math.max(0, ...houses.map((h) => h.estimate ?? 0));
  // Only one of them fits.
  const [last, lastOf] = houses[0]?.pieces > 1 ? ["In days", (h) => `${n(h.estimated)} of ${n(h.pieces)}`] : ["Level changes", (h) => n(h.changes)];
  split.append(el("div", {}, panel("By house"), barTable([["House"], ["Gained"], ["Raw"], [last, "wide"]],
    houses.map((h) => [name(h.house), barCell(h.estimate ?? 0, largest, h.house, signed(h.estimate)), signed(h.raw), lastOf(h)]), 1)));
}

function engagement(box) {
  const at = rows("media");
  const of = shown().map((house) => {
    const posts = postsOf(house).filter((p) => p.time <= STATE.to && p.seen >= STATE.from);
    const fans = gain(house).last;
    const newest = posts.filter((p) => p.seen === posts.reduce((t, q) => Math.max(t, q.seen), 0) && p.time > 0);
    const days = newest.length > 1 ? (newest[0].time - newest.at(-1).time) / DAY : null;
    const middle = median(posts.map((p) => (p.likes == null ? null : interactions(p))));
    return {
      house, gained: add(sumOf("media", "likes_gained", house, at), sumOf("media", "comments_gained", house, at)),
      published: posts.filter((p) => p.time >= STATE.from).length,
      week: days ? ((newest.length - 1) / days) * 7 : null,
      likes: median(posts.map((p) => p.likes)), comments: median(posts.map((p) => p.comments)),
      rate: fans && middle != null ? (1000 * middle) / fans : null,
      hidden: posts.filter((p) => p.hidden).length, posts: posts.length,
    };
  });
  const all = sum(of.map((h) => Math.max(0, h.gained ?? 0)));
  const best = most(of, (h) => h.gained);
  say(box, best?.gained > 0 ? `${best.house.label}’s posts drew ${percent(best.gained, all, 0)} of all new interactions.` : "The posts drew no new interactions in this time.",
    "An interaction is a like or a comment. What a post gained is its count less the last known one; a post published since the house’s last response gained all that it has. Hidden likes are in no figure here.");
  const { step, list } = periods("media", STATE.narrow ? 48 : 96);
  const drew = (house, p) => add(sumOf("media", "likes_gained", house, p.rows), sumOf("media", "comments_gained", house, p.rows));
  box.append(panel(`Interactions gained, by ${span(step)}`));
  timeChart(chartBox(box), { label: "Interactions gained by the posts of each house", x: list.map((p) => p.time), stacked: true, format: signed,
    series: shown().map((house) => ({ house, values: list.map((p) => drew(house, p)) })), height: 280 });
  box.append(figures("interactions gained", () => timeTable("Interactions gained", "media", list, (house, p) => signed(drew(house, p)))));
  of.sort((a, b) => (b.gained ?? -1) - (a.gained ?? -1));
  const largest = Math.max(0, ...of.map((h) => h.gained ?? 0));
  box.append(panel("By house"), barTable(
    [["House"], ["Interactions gained"], ["Published"], ["Posts a week", "wide"], ["Median likes"], ["Median comments", "wide"], ["Interactions per 1,000 followers", "wide"], ["Likes hidden", "wide"]],
    of.map((h) => [name(h.house), barCell(h.gained ?? 0, largest, h.house, compact(h.gained)), n(h.published), h.week == null ? "–" : h.week.toFixed(1), compact(h.likes), compact(h.comments),
      h.rate == null ? "–" : h.rate.toFixed(2), h.posts ? `${h.hidden} of ${h.posts}` : "–"]), 1));
  posts(box);
}

function posts(box) {
  const list = DATA.posts.filter((p) => !STATE.off.has(p.house) && p.time >= STATE.from && p.time <= STATE.to);
  if (!list.length) return;
  const best = [...list].sort((a, b) => interactions(b) - interactions(a));
  const house = (p) => HOUSES.find((h) => h.index === p.house);
  const likes = (p) => (p.hidden ? "likes hidden" : p.likes == null ? "likes unknown" : many(p.likes, "like"));
  const link = (p, text) => (/^https:\/\//.test(p.link ?? "") ? el("a", { href: p.link, rel: "noopener noreferrer" }, text) : text);
  box.append(panel("Published in this time, by interactions"), el("ul", { class: "posts" }, best.slice(0, 9).map((p) => el("li", {},
    el("p", { class: "who" }, swatch(house(p)), `${house(p).label} · ${moment(p.time)}`),
    el("p", { class: "what", dir: "auto" }, link(p, p.caption || "Without a caption")),
    el("p", { class: "drew" }, `${likes(p)}, ${many(p.comments ?? 0, "comment")} `, el("span", { class: "posts-kind" }, `· ${p.kind.toLowerCase().replace("_", " ")}`))))));
  box.append(figures("posts", () => table(`Published in this time, ${zoneName()}`, ["House", "Published", "Kind", "Caption", "Likes", "Comments"],
    best.slice(0, 600).map((p) => [name(house(p)), moment(p.time), p.kind, link(p, p.caption || "–"), p.hidden ? "hidden" : p.likes == null ? "unknown" : n(p.likes), n(p.comments)]), [3], [1, 2])));
}

function hashtags(box) {
  const of = shown().map((house) => {
    const [fresh, compared, overfull] = ["fresh", "compared", "full"].map((m) => sumOf("media_hashtag", m, house));
    const runs = rows("media_hashtag").reduce((k, i) => k + (values("media_hashtag", "compared", house)[i] == null ? 0 : DATA.tables.media_hashtag.runs[i]), 0);
    return { house, fresh, compared, overfull, runs, distinct: distinct(house) };
  });
  const best = most(of, (h) => h.fresh);
  const missed = of.filter((h) => h.overfull > 0);
  say(box, best ? `The fastest hashtag is ${best.house.label}’s: ${percent(best.fresh, best.compared, 0)} of each page is new.` : "Nothing was collected under hashtags in this time.",
    `New means: in no earlier response for the same house. ${missed.length ? `If a whole response is new, posts between two runs may be missing: ${missed.map((h) => `${h.house.label} in ${n(h.overfull)} of ${many(h.runs, "run")}`).join(", ")}.` : "No response was new as a whole, so the runs are frequent enough to miss nothing."}`);
  const { step, list } = periods("media_hashtag", STATE.narrow ? 48 : 96);
  const fresh = (house, p) => sumOf("media_hashtag", "fresh", house, p.rows);
  box.append(panel(`New posts, by ${span(step)}`));
  timeChart(chartBox(box), { label: "New posts under the hashtags of each house", x: list.map((p) => p.time), stacked: true, format: n,
    series: shown().map((house) => ({ house, values: list.map((p) => fresh(house, p)) })), height: 280 });
  box.append(figures("new posts under hashtags", () => timeTable("New posts", "media_hashtag", list, (house, p) => {
    const whole = sumOf("media_hashtag", "compared", house, p.rows);
    return whole ? `${n(fresh(house, p))} (${percent(fresh(house, p), whole, 0)})` : "–";
  })));
  box.append(panel("Share of each page that is new"), el("div", { class: "multiples" }, of.map((h) => el("div", { class: "multiple" },
    el("h4", {}, el("span", {}, name(h.house)), el("strong", {}, percent(h.fresh, h.compared, 0))),
    sparkline(list.map((p) => { const whole = sumOf("media_hashtag", "compared", h.house, p.rows); return whole ? fresh(h.house, p) / whole : null; }), variable(h.house)),
    el("p", {}, h.distinct == null ? "nothing collected" : `${many(h.distinct, "distinct post")}${h.fresh == null ? "" : `; ${n(h.fresh)} new in ${many(h.runs, "run")}${h.overfull ? `, ${n(h.overfull)} of them full` : ""}`}`)))));
}

function rhythm(box) {
  const week = new Array(168).fill(0);
  if (STATE.rhythm === "tag") {
    for (const { house, from, posts } of DATA.hours) if (STATE.off.size ? house != null && !STATE.off.has(house) : house == null) posts.forEach((k, i) => {
      const t = (from + i) * HOUR;
      if (t + HOUR > STATE.from && t <= STATE.to) week[hourOfWeek(t)] += k;
    });
  } else {
    // The houses post seldom: all of their posts that were seen in the range, back to the oldest.
    for (const p of DATA.posts) if (!STATE.off.has(p.house) && p.time > 0 && p.seen >= STATE.from && p.time <= STATE.to) week[hourOfWeek(p.time)] += 1;
  }
  const days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
  const peak = week.indexOf(Math.max(...week)), largest = week[peak];
  const hour = (h) => `${String(h).padStart(2, "0")}:00`;
  const when = `${days[Math.floor(peak / 24)]}${STATE.to - STATE.from > 14 * DAY ? "s" : ""}, ${hour(peak % 24)} ${zoneName()}`;
  say(box, largest ? `The busiest hour: ${when}.` : "No posts in this time.",
    STATE.rhythm === "tag" ? `Distinct posts under the hashtags, by the hour in which they were published.${STATE.off.size && shown().length > 1 ? " A post under the hashtags of several houses counts for each of them." : ""} Days and hours without colour are outside the range or had none.`
      : "The houses’ own posts that were seen in this range, back to the oldest on their pages, by the hour in which they were published.");
  box.append(panel("Posts by hour of the week", switcher("Posts", { tag: "Under hashtags", own: "By the houses" }, STATE.rhythm, (key) => { STATE.rhythm = key; render(); })));
  const head = el("tr", {}, el("th"), Array.from({ length: 24 }, (_, h) => el("th", { scope: "col" }, h % 3 ? "" : String(h).padStart(2, "0"))));
  const there = days.map((_, d) => d).filter((d) => sum(week.slice(d * 24, d * 24 + 24)));
  const body = there.map((d) => [days[d], d]).map(([day, d]) => el("tr", {}, el("th", { scope: "row" }, day.slice(0, 3)), Array.from({ length: 24 }, (_, h) => {
    const k = week[d * 24 + h];
    return heatCell(k ? k / largest : null, `${day} ${hour(h)}: ${many(k, "post")}`);
  })));
  box.append(tipsOn(el("table", { class: "heat week", "aria-label": "Posts by hour of the week" }, el("thead", {}, head), el("tbody", {}, body))));
  box.append(el("ul", { class: "key" }, el("li", { class: "ramp" }, "0", el("i"), `${many(largest, "post")} in an hour of the week`)));
  box.append(figures("posts by hour of the week", () => table(`Posts, ${zoneName()}`, ["Hour", ...there.map((d) => days[d])], Array.from({ length: 24 }, (_, h) => [hour(h), ...there.map((d) => n(week[d * 24 + h]))]))));
}
