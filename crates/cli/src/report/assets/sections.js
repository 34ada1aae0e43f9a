// The sections. Each is given its box, the figures of all houses in the period and in the one before it, and puts into the box
// a sentence that says what the period shows, a chart, and a table.

const say = (box, takeaway, lede) => box.append(el("p", { class: "takeaway" }, takeaway), el("p", { class: "lede" }, lede));
const panel = (title, ...controls) => el("div", { class: "panel-head" }, el("h3", {}, title), ...controls);
const visible = (all) => (STATE.chosen.size > 1 ? all.filter((h) => STATE.chosen.has(h.house.index)) : all);
const isMarked = (h) => one()?.index === h.house.index;
const houseLink = (house) => button(house.label, () => go({ chosen: new Set([house.index]) }), { class: "house", title: house.account ? `@${house.account}` : null });
const houseColumn = { title: "House", value: (h) => h.house.label, cell: (h) => houseLink(h.house) };
const hiddenNote = (h) => (h.likes_hidden ? `likes of ${h.likes_hidden} of ${h.posts} posts hidden` : null);
const withNote = (text, note) => (note ? [text, el("small", {}, note)] : text);
const best = (all, figure) => ranked(visible(all), figure).find((h) => h[figure] != null) ?? null;
const dayLabels = ({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => ({ short: date(from + i), full: fullDate(from + i) }));
const slotLabels = (list) => list.map((i) => {
  const t = DATA.series.from + i * DATA.series.step;
  return DATA.series.step === DAY ? { short: stamp(t, MONTH, "UTC"), full: stamp(t, FULL, "UTC") } : { short: moment(t), full: `${moment(t)} ${zoneName()}` };
});

// The figure of the period before, if as many days have it.
function earlier(h, was, figure) {
  const old = was?.[h.house.index];
  if (!old || (figure.startsWith("gained") && old.days_with_gain !== h.days_with_gain)) return null;
  return old[figure];
}

function headline(box, now, was) {
  const item = (term, h, figure, format, note) => {
    const old = h && earlier(h, was, figure);
    return el("div", {}, el("dt", {}, term), el("dd", { class: "number" }, h ? format(h[figure]) : "–"),
      el("dd", { class: "note" }, h ? `${note(h)}${old == null ? "" : `; ${format(old)} in the period before`}` : "no figure in this period"));
  };
  const house = one() && now[one().index];
  const rank = (h, figure) => `${h.house.label}${house ? `, ${ranked(now.filter((o) => o[figure] != null), figure).indexOf(h) + 1} of ${now.filter((o) => o[figure] != null).length} houses` : ""}`;
  const pick = (figure) => (house ? (house[figure] == null ? null : house) : best(now, figure));
  const posts = sum(visible(house ? [house] : now).map((h) => h.posts));
  const old = was && sum(visible(house ? [was[house.house.index]] : was).map((h) => h.posts));
  box.replaceChildren(
    item(house ? "Growth" : "Fastest growth", pick("gained_percent"), "gained_percent", percent, (h) => `${rank(h, "gained_percent")}: ${signed(h.gained)} followers`),
    item(house ? "Engagement per post" : "Most engagement per post", pick("engagement_per_mille"), "engagement_per_mille", perMille, (h) => [rank(h, "engagement_per_mille"), hiddenNote(h)].filter(Boolean).join(", ")),
    item(house ? "Share of voice" : "Most talked about", pick("share_of_others"), "share_of_others", share, (h) => `${rank(h, "share_of_others")}: ${h.at_least ? "at least " : ""}${many(h.hashtag_posts - h.own_posts, "post")} by others`),
    el("div", {}, el("dt", {}, "Posts published"), el("dd", { class: "number" }, n(posts)), el("dd", { class: "note" }, `by ${house ? house.house.label : many(visible(now).filter((h) => h.posts).length, "house")}${old == null ? "" : `; ${n(old)} in the period before`}`)));
}

function growth(box, now, was) {
  const fastest = best(now, "gained_percent");
  const days = STATE.to - STATE.from + 1;
  const subject = one() ? now[one().index] : fastest;
  say(box, subject?.gained_percent == null ? "There is no estimate of growth in this period." : `${subject.house.label} ${one() ? "gained" : "grew the most:"} ${percent(subject.gained_percent)}, ${signed(subject.gained)} followers.`,
    "The API gives follower counts from two levels that differ by tens of thousands, so the growth of a day is an estimate within the levels. It takes 12 counts a day. Houses share followers: their audiences overlap, so there is no sum over the houses.");
  const rows = ranked(visible(now), "gained_percent");
  const most = Math.max(0, ...rows.map((h) => h.gained_percent ?? 0));
  const change = (h) => { const old = earlier(h, was, "gained_percent"); return old == null || h.gained_percent == null ? null : h.gained_percent - old; };
  box.append(table("Growth by house", [houseColumn,
    { title: "Gained, %", value: (h) => h.gained_percent, cell: (h) => withNote(barCell(h.gained_percent, most, percent(h.gained_percent)), h.gained != null && h.days_with_gain < days ? `${h.days_with_gain} of ${days} days` : null) },
    { title: "Before, %", value: (h) => earlier(h, was, "gained_percent"), cell: (h) => percent(earlier(h, was, "gained_percent")) },
    { title: "Change, points", value: change, cell: (h) => plus(change(h)) },
    { title: "Gained", value: (h) => h.gained, cell: (h) => signed(h.gained), wide: true },
    { title: "Followers", value: (h) => h.followers, cell: (h) => n(h.followers), wide: true },
    { title: "Days with a figure", value: (h) => h.days_with_gain, cell: (h) => `${h.days_with_gain} of ${days}`, wide: true },
  ], rows, { mark: isMarked }));
  box.append(panel("Followers gained per day, in per cent"));
  timeChart(box, { name: "Followers gained per day in per cent", times: dayLabels(period()), format: (v) => `${fixed(v, 3)}`,
    series: shown().map((house) => ({ label: house.label, values: DATA.followers.gained[house.index].slice(STATE.from, STATE.to + 1).map((gained, i) => {
      const d = STATE.from + i, base = DATA.followers.count[house.index][d] - DATA.followers.gained_raw[house.index][d];
      return gained == null || !(base > 0) ? null : (100 * gained) / base;
    }) })) });
}

function engagement(box, now, was) {
  const top = one() ? now[one().index] : best(now, "engagement_per_mille");
  const hiding = visible(now).filter((h) => h.likes_hidden);
  say(box, top?.engagement_per_mille == null ? "No post of this period has a known engagement." : `A post of ${top.house.label} has ${perMille(top.engagement_per_mille)} engagement${one() ? "" : ", more than that of any other house"}.`,
    `Engagement is likes and comments per 1,000 followers at the time of the post; the figure is the median of the posts published in the period. Posts collect likes for days, so compare periods by the likes after 24 h. ${hiding.length ? `Posts with hidden likes are in no median; they can change the rank of ${hiding.map((h) => h.house.label).join(", ")}.` : "No post of the period hides its likes."}`);
  const rows = ranked(visible(now), "engagement_per_mille");
  const most = Math.max(0, ...rows.map((h) => h.engagement_per_mille ?? 0));
  const interactions = (h) => sum([h.likes_gained, h.comments_gained]);
  box.append(table("Engagement by house", [houseColumn,
    { title: "Engagement per post, ‰", value: (h) => h.engagement_per_mille, cell: (h) => withNote(barCell(h.engagement_per_mille, most, perMille(h.engagement_per_mille)), hiddenNote(h)) },
    { title: "Likes after 24 h, ‰", value: (h) => h.likes_24h_per_mille, cell: (h) => perMille(h.likes_24h_per_mille) },
    { title: "Before, ‰", value: (h) => earlier(h, was, "likes_24h_per_mille"), cell: (h) => perMille(earlier(h, was, "likes_24h_per_mille")) },
    { title: "Posts", value: (h) => h.posts, cell: (h) => n(h.posts) },
    { title: "Posts before", value: (h) => earlier(h, was, "posts"), cell: (h) => n(earlier(h, was, "posts")), wide: true },
    { title: "Posts with hidden likes", value: (h) => h.likes_hidden, cell: (h) => n(h.likes_hidden), wide: true },
    { title: "Likes and comments gained", value: interactions, cell: (h) => n(interactions(h)), wide: true },
  ], rows, { mark: isMarked }));
  const list = slots(period());
  box.append(panel(`Likes and comments gained per ${DATA.series.step === DAY ? "day" : "hour"}`));
  timeChart(box, { name: "Likes and comments gained", times: slotLabels(list), format: compact, bars: true,
    series: shown().map((house) => ({ label: house.label, values: list.map((i) => sum([DATA.series.likes_gained[house.index][i], DATA.series.comments_gained[house.index][i]])) })) });
}

// The formats of the posts of some houses in the period.
function formatsOf(houses) {
  const posts = postsOf(null, period()).filter((post) => houses.includes(post.house));
  return [...new Set(posts.map((post) => post.kind))].sort().map((kind) => {
    const of = posts.filter((post) => post.kind === kind);
    return { kind, posts: of.length, share: of.length / posts.length, engagement_per_mille: median(of.map(engagementOf)), likes_24h_per_mille: median(of.map((post) => likesPerMille(post))), hidden: of.filter((post) => post.hidden).length };
  });
}

function formatMix(box) {
  const all = formatsOf(shown().map((house) => house.index));
  const most = all.reduce((top, f) => (f.engagement_per_mille != null && (!top || f.engagement_per_mille > top.engagement_per_mille) ? f : top), null);
  say(box, most ? `${kindName(most.kind)} earn the most: ${perMille(most.engagement_per_mille)} per post.` : "No post of this period has a known engagement.",
    "The mix of formats among the posts published in the period, and the median of what each earns.");
  const columns = [
    { title: "Posts", value: (f) => f.posts, cell: (f) => n(f.posts) },
    { title: "Share of posts", value: (f) => f.share, cell: (f) => barCell(f.share, 1, share(f.share)) },
    { title: "Engagement per post, ‰", value: (f) => f.engagement_per_mille, cell: (f) => withNote(perMille(f.engagement_per_mille), f.hidden ? `likes of ${many(f.hidden, "post")} hidden` : null) },
    { title: "Likes after 24 h, ‰", value: (f) => f.likes_24h_per_mille, cell: (f) => perMille(f.likes_24h_per_mille), wide: true },
  ];
  const kind = { title: "Format", value: (f) => kindName(f.kind) };
  box.append(table("Formats", [kind, ...columns], all));
  if (shown().length < 2) return;
  const rows = shown().flatMap((house) => formatsOf([house.index]).map((f) => ({ ...f, house })));
  box.append(panel("By house"), table("Formats by house", [{ title: "House", value: (f) => f.house.label, cell: (f) => houseLink(f.house) }, { ...kind, kind: "word" }, ...columns], rows));
}

const WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const BLOCK = 3;
// The weekday and the block of hours of a post, in the chosen time zone.
function placeOf(t) {
  const d = new Date(t * 1000);
  return STATE.utc ? [(d.getUTCDay() + 6) % 7, Math.floor(d.getUTCHours() / BLOCK)] : [(d.getDay() + 6) % 7, Math.floor(d.getHours() / BLOCK)];
}

function times(box) {
  const age = STATE.age, ageName = age === "likes_24h" ? "24 h" : "3 h";
  const cells = WEEK.flatMap((_, day) => Array.from({ length: 24 / BLOCK }, (_, block) => ({ day, block, ratios: [] })));
  for (const house of shown()) {
    const posts = postsOf(house.index, period()).filter((post) => post[age] != null);
    const usual = median(posts.map((post) => post[age]));
    for (const post of usual > 0 ? posts : []) {
      const [day, block] = placeOf(post.time);
      cells[day * (24 / BLOCK) + block].ratios.push(post[age] / usual);
    }
  }
  const filled = cells.map((cell) => ({ ...cell, posts: cell.ratios.length, ratio: median(cell.ratios) }));
  const hours = (block) => `${String(block * BLOCK).padStart(2, "0")}:00–${String((block + 1) * BLOCK).padStart(2, "0")}:00`;
  const top = filled.filter((cell) => cell.posts >= 3).reduce((a, b) => (a && a.ratio >= b.ratio ? a : b), null);
  say(box, top ? `The best time: ${WEEK[top.day]}, ${hours(top.block)} ${zoneName()}.` : "Too few posts of this period for a best time.",
    `Likes ${ageName} after publication, divided by the median of the same house: 1.50 is half as many again. A time needs 3 posts to be named; paler times have fewer.`);
  box.append(panel("Likes by time of publication", switcher("Likes after", { likes_3h: "3 h", likes_24h: "24 h" }, age, (key) => { STATE.age = key; render(); })));
  const most = Math.max(1, ...filled.map((cell) => cell.ratio ?? 0));
  box.append(el("table", { class: "heat", "aria-label": "Likes by time of publication" },
    el("tbody", {}, WEEK.map((day, d) => el("tr", {}, el("th", { scope: "row" }, day.slice(0, 3)), filled.filter((cell) => cell.day === d).map((cell) => {
      const td = el("td", { title: `${day}, ${hours(cell.block)}: ${many(cell.posts, "post")}`, class: cell.posts >= 3 ? null : "few" }, cell.ratio == null ? "" : cell.ratio.toFixed(2));
      if (cell.ratio != null && cell.posts >= 3) td.style.background = `color-mix(in oklab, var(--accent) ${Math.round((35 * cell.ratio) / most)}%, var(--raised))`;
      return td;
    })))), el("tfoot", {}, el("tr", {}, el("td", {}), Array.from({ length: 24 / BLOCK }, (_, block) => el("th", { scope: "col" }, `${String(block * BLOCK).padStart(2, "0")}–${String((block + 1) * BLOCK).padStart(2, "0")}`))))));
  box.append(table("Posting times", [{ title: `Time, ${zoneName()}`, value: (c) => `${WEEK[c.day]}, ${hours(c.block)}` },
    { title: "Posts", value: (c) => c.posts, cell: (c) => n(c.posts) }, { title: `Likes after ${ageName} ÷ median of the house`, value: (c) => c.ratio, cell: (c) => fixed(c.ratio, 2) }],
  filled.filter((cell) => cell.posts).sort((a, b) => b.ratio - a.ratio).slice(0, 10), { all: filled.filter((cell) => cell.posts) }));
}

const iso = (t) => (t ? new Date(t * 1000).toISOString().replace(".000", "") : null);
function posts(box) {
  const own = STATE.posts === "own";
  const houses = new Set(shown().map((house) => house.index));
  const filter = STATE.filter.trim().toLowerCase();
  const list = (own ? DATA.posts : DATA.hashtag_posts).filter((post) => houses.has(post.house) && within(post.time, period()) && (!STATE.format || post.kind === STATE.format)
    && (!filter || `${HOUSES[post.house].label} ${post.caption ?? ""}`.toLowerCase().includes(filter)));
  const isLink = (post) => /^https?:\/\//.test(post.link ?? "");
  const caption = (post) => (isLink(post) ? el("a", { href: post.link, rel: "noopener noreferrer", target: "_blank" }, post.caption || "Open the post") : post.caption || "–");
  const likes = (post) => (post.hidden ? "hidden" : post.likes == null ? "unknown" : n(post.likes));
  const count = (key, title, wide) => ({ title, value: (post) => post[key], cell: (post) => n(post[key]), wide });
  const columns = [
    { title: own ? "House" : "Hashtag of", value: (post) => HOUSES[post.house].label },
    { title: "Post", value: (post) => post.caption ?? "", cell: caption, kind: "text" },
    { title: "Published", value: (post) => iso(post.time), cell: (post) => moment(post.time), kind: "word" },
    { title: "Format", value: (post) => kindName(post.kind), kind: "word", wide: true },
    ...(own ? [count("likes_3h", "Likes in 3 h"), count("likes_24h", "Likes in 24 h", true)] : [{ title: "By", value: (post) => (post.author == null ? "another account" : HOUSES[post.author].label), kind: "word" }]),
    { title: "Likes", value: (post) => (post.hidden ? null : post.likes), cell: likes },
    count("comments", "Comments", true),
    ...(own ? [{ title: "Engagement, ‰", value: engagementOf, cell: (post) => perMille(engagementOf(post)) }] : []),
    { title: "Link", value: (post) => post.link ?? "", cell: (post) => (isLink(post) ? el("a", { href: post.link, rel: "noopener noreferrer", target: "_blank" }, "Open") : "–"), kind: "word", wide: true },
  ];
  const sorted = STATE.sort ?? { key: own ? columns.length - 2 : 5, down: true };
  if (sorted.key >= columns.length) sorted.key = 2;
  const worth = columns[sorted.key].value;
  list.sort((a, b) => {
    const [x, y] = [worth(a), worth(b)];
    if (x == null || y == null) return x == null ? (y == null ? 0 : 1) : -1;
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return sorted.down ? -order : order;
  });
  const [first] = list;
  say(box, first ? `${many(list.length, "post")}${own ? " by the houses" : " under the hashtags"} in this view.` : "There is no post in this view.",
    own ? `Likes in 3 h and 24 h compare posts at the same age.${DATA.posts_unlisted ? ` ${n(DATA.posts_unlisted)} older posts are not listed.` : ""}`
      : `Listed are the ${DATA.hashtag_posts_listed} posts with the most likes and comments of each house’s hashtags and day, as they were last seen: mostly within an hour of their publication. The API does not name their accounts.${list.some(isLink) ? "" : " They have no links: [hashtag_media] of configure.ini stores no permalink. Add the line permalink = permalink url to it."}`);
  const input = el("input", { type: "search", id: "filter", value: STATE.filter, placeholder: "House or words of the caption", "aria-label": "Filter the posts" });
  input.addEventListener("input", () => { STATE.filter = input.value; STATE.listed = 50; render(); });
  const kinds = [...new Set((own ? DATA.posts : DATA.hashtag_posts).map((post) => post.kind))].sort();
  const select = el("select", { id: "format", "aria-label": "Format" }, el("option", { value: "" }, "All formats"), kinds.map((kind) => el("option", { value: kind, selected: kind === STATE.format ? "" : null }, kindName(kind))));
  select.addEventListener("change", () => { STATE.format = select.value; render(); });
  box.append(panel(own ? "The houses’ posts" : "Posts under the hashtags", switcher("Posts", { own: "By the houses", tag: "Under hashtags" }, STATE.posts, (key) => { Object.assign(STATE, { posts: key, sort: null, listed: 50 }); render(); }), input, select));
  box.append(table(own ? "Posts" : "Posts under hashtags", columns, list.slice(0, STATE.listed), { all: list, sorted, sort: (key) => {
    STATE.sort = { key, down: sorted.key === key ? !sorted.down : key > 1 };
    render();
  } }));
  if (list.length > STATE.listed) box.append(button(`Show 50 more of ${n(list.length)}`, () => { STATE.listed += 50; render(); }, { class: "take", id: "more" }));
}

function voice(box, now, was) {
  const others = STATE.voice === "others";
  const figure = others ? "share_of_others" : "share";
  const top = one() ? now[one().index] : best(now, figure);
  const partial = visible(now).filter((h) => h.at_least);
  const count = (h) => h.hashtag_posts - (others ? h.own_posts : 0);
  say(box, top?.[figure] == null ? "No post under the hashtags was collected in this period." : `${top.house.label} has ${share(top[figure])} of the posts under all hashtags${others ? ", without the houses’ own" : ""}.`,
    `Distinct posts that were seen under the hashtags of each house in the period. ${partial.length ? `“At least”: a run had only new posts, so some were missed and the shares are uncertain, for ${partial.map((h) => h.house.label).join(", ")}. Run the job more often, or raise media_per_hashtag.` : "No run had only new posts, so the counts are complete for the hours collected."}`);
  box.append(panel("Share of voice", switcher("Share of voice", { others: "Without own posts", all: "With own posts" }, STATE.voice, (key) => { STATE.voice = key; render(); })));
  const rows = ranked(visible(now), figure), most = Math.max(0, ...rows.map((h) => h[figure] ?? 0));
  box.append(table("Share of voice", [houseColumn,
    { title: "Share", value: (h) => h[figure], cell: (h) => barCell(h[figure], most, share(h[figure])) },
    { title: "Before", value: (h) => earlier(h, was, figure), cell: (h) => share(earlier(h, was, figure)) },
    { title: others ? "Posts by others" : "Posts", value: count, cell: (h) => `${h.at_least ? "≥ " : ""}${n(count(h))}` },
    { title: "Own posts", value: (h) => h.own_posts, cell: (h) => n(h.own_posts), wide: true },
    { title: "Count", value: (h) => (h.at_least ? "at least" : "complete"), kind: "word", wide: true },
  ], rows, { mark: isMarked }));
  const list = slots(period());
  box.append(panel(`New posts under the hashtags per ${DATA.series.step === DAY ? "day" : "hour"}`));
  timeChart(box, { name: "New posts under the hashtags", times: slotLabels(list), format: compact, bars: true,
    series: shown().map((house) => ({ label: `${now[house.index].at_least ? "≥ " : ""}${house.label}`, values: list.map((i) => DATA.series.new_posts[house.index][i]) })) });
  const days = period();
  const by = (house, author) => distinct(house, days, (a) => a === author);
  const authors = HOUSES.filter((author) => HOUSES.some((house) => house.index !== author.index && by(house.index, author.index)));
  const common = (house) => HOUSES.filter((other) => other !== house).map((other) => {
    const [a, b] = [Math.min(house.index, other.index), Math.max(house.index, other.index)];
    return { other, posts: distinct(a, days, (author) => author === b, DATA.shared) };
  }).reduce((top, pair) => (pair.posts > (top?.posts ?? 0) ? pair : top), null);
  const about = shown().map((house) => ({ house, common: common(house) }));
  box.append(panel("Who talks about whom"), el("p", { class: "lede" }, "The posts under each house’s hashtags by who published them. The API names no accounts, so only the posts of the houses can be distinguished from those of others."),
    table("Who talks about whom", [{ title: "Hashtags of", value: (h) => h.house.label, cell: (h) => houseLink(h.house) },
      { title: "The house itself", value: (h) => by(h.house.index, h.house.index), cell: (h) => n(by(h.house.index, h.house.index)) },
      ...authors.map((author) => ({ title: author.label, value: (h) => (h.house === author ? null : by(h.house.index, author.index)), cell: (h) => (h.house === author ? "–" : n(by(h.house.index, author.index))) })),
      { title: "Other accounts", value: (h) => by(h.house.index, -1), cell: (h) => n(by(h.house.index, -1)) },
      { title: "Most in common with", value: (h) => (h.common ? `${h.common.other.label}: ${h.common.posts}` : ""), cell: (h) => (h.common ? `${h.common.other.label}: ${many(h.common.posts, "post")}` : "–"), kind: "word" }], about));
}

function collector(box) {
  const { jobs, failures, failures_unlisted, late, skipped, skipped_unlisted, likes, defaulted, rejected } = DATA.collector;
  const days = period(), inDays = (rows) => sum(rows.slice(days.from, days.to + 1));
  const gaps = jobs.flatMap((job) => job.gaps.filter((gap) => dayOf(gap.before) >= days.from && dayOf(gap.after) <= days.to).map((gap) => ({ ...gap, job: job.job })));
  const failed = failures.filter((failure) => within(failure.time, days));
  const missing = sum(gaps.map((gap) => gap.missing)) ?? 0;
  say(box, `${many(failed.length, "topic")} failed and ${many(missing, "run")} ${missing === 1 ? "is" : "are"} missing in this period.`,
    "A missing run is one that the usual time between runs leads to expect; a run that collected nothing stores nothing, so the log says which of the two it is. Every gap below is a gap in the figures above.");
  const simple = (title, key, format = (x) => x, kind = "word") => ({ title, value: (row) => row[key], cell: (row) => format(row[key]), kind });
  box.append(table("Runs", [simple("Job", "job"), simple("Runs", "runs", n, null), simple("Topics requested", "expected", n, null), simple("Topics collected", "collected", n, null)],
    jobs.map((job) => ({ job: job.job, runs: inDays(job.runs), expected: inDays(job.expected), collected: inDays(job.collected) }))));
  if (gaps.length) box.append(panel("Missing runs"), table("Missing runs", [simple("Job", "job"), { title: "After", value: (g) => iso(g.after), cell: (g) => moment(g.after), kind: "word" }, { title: "Before", value: (g) => iso(g.before), cell: (g) => moment(g.before), kind: "word" }, simple("Runs", "missing", n, null)], gaps));
  const groups = new Map();
  for (const failure of [...failed].reverse()) {
    const key = JSON.stringify([failure.job, failure.topic, failure.kind, failure.code, failure.message]);
    const group = groups.get(key) ?? { ...failure, times: 0, first: failure.time };
    groups.set(key, { ...group, times: group.times + 1, last: failure.time });
  }
  const at = (title, key) => ({ title, value: (row) => iso(row[key]), cell: (row) => moment(row[key]), kind: "word" });
  if (groups.size) box.append(panel("Failed topics"), table("Failed topics", [simple("Topic", "topic"), simple("Job", "job"), simple("Reason", "kind"), simple("Times", "times", n, null), at("First", "first"), at("Last", "last"), simple("Message", "message", (x) => x, "text")], [...groups.values()]));
  if (failures_unlisted) box.append(el("p", {}, `${n(failures_unlisted)} older failures are not listed.`));
  const repaired = late.filter((l) => within(l.asked, days) || within(l.time, days));
  if (repaired.length) box.append(panel("Runs that were filled late"), table("Runs that were filled late", [at("Run", "time"), simple("Job", "job"), at("Requested", "asked"), { title: "Houses", value: (l) => l.houses.map((h) => HOUSES[h].label).join(", "), kind: "text" }], repaired));
  const worth = shown().map((house) => {
    const of = (key) => sum(["media", "media_hashtag"].map((model) => likes[model] && inDays(likes[model][key][house.index]))) ?? 0;
    return { house, records: of("records"), zero: of("zero"), hidden: of("hidden"), unusable: of("unusable"), unknown: of("unknown") };
  });
  box.append(panel("Like counts"), el("p", { class: "lede" }, "A hidden like count is stored as 0, since the columns are NOT NULL. The quality objects separate it from a real 0. This page never takes it for one."),
    table("Like counts", [houseColumn, simple("Records", "records", n, null), simple("Hidden", "hidden", n, null), simple("A real 0", "zero", n, null), simple("Not usable", "unusable", n, null), simple("Unknown", "unknown", n, null)], worth));
  const reasons = new Map();
  for (const [model, field, reason, d, count] of [...defaulted, ...rejected.map(([model, reason, d, count]) => [model, "(record left out)", reason, d, count])]) {
    if (d < days.from || d > days.to) continue;
    const key = JSON.stringify([model, field, reason]);
    reasons.set(key, { model, field, reason, cases: (reasons.get(key)?.cases ?? 0) + count });
  }
  if (reasons.size) box.append(panel("Fields with a default, and records left out"), table("Fields with a default and records left out", [simple("Field", "field"), simple("Model", "model"), simple("Reason", "reason", (x) => x, "text"), simple("Cases", "cases", n, null)], [...reasons.values()].sort((a, b) => b.cases - a.cases)));
  if (skipped.length) box.append(panel("Files that were skipped"), table("Files that were skipped", [simple("File", "key", (x) => x, "text"), simple("Reason", "reason", (x) => x, "text")], skipped));
  if (skipped_unlisted) box.append(el("p", {}, `${n(skipped_unlisted)} more files were skipped.`));
}
