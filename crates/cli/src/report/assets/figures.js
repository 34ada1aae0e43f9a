// The figures of a period, as docs/figures.md defines them. `report --json` has the same for the period with which the page
// opens.

const sum = (list) => list.reduce((all, x) => (x == null ? all : (all ?? 0) + x), null);
function median(list) {
  const sorted = list.filter((x) => x != null).sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return !sorted.length ? null : sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const engagementOf = (post) => (post.likes == null || post.comments == null || !post.followers ? null : (1000 * (post.likes + post.comments)) / post.followers);
const likesPerMille = (post, age = "likes_24h") => (post[age] == null || !post.followers ? null : (1000 * post[age]) / post.followers);
const within = (time, { from, to }) => time > 0 && dayOf(time) >= from && dayOf(time) <= to;
const postsOf = (house, days) => DATA.posts.filter((post) => (house == null || post.house === house) && within(post.time, days));

// The distinct posts under the hashtags of a house, or only those of one author.
function distinct(house, { from, to }, isAuthor = () => true, rows = DATA.voice) {
  let posts = 0;
  for (const [of, author, day, last, count] of rows) if (of === house && isAuthor(author) && day >= from && day <= to && last < from) posts += count;
  return posts;
}

const SLOTS = DATA.series.likes_gained[0]?.length ?? 0;
// The slots of the series on the days of a period: their numbers.
function slots({ from, to }) {
  const first = Math.max(0, Math.ceil((startOf(from) - DATA.series.from) / DATA.series.step));
  const end = Math.min(SLOTS, Math.ceil((startOf(to) + DAY - DATA.series.from) / DATA.series.step));
  return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
}

function figuresOf(house, days) {
  const at = (rows) => rows[house].slice(days.from, days.to + 1);
  const [counts, gains, raw] = [at(DATA.followers.count), at(DATA.followers.gained), at(DATA.followers.gained_raw)];
  const first = counts.findIndex((count, i) => count != null && raw[i] != null);
  const base = first < 0 ? null : counts[first] - raw[first];
  const gained = sum(gains);
  const posts = postsOf(house, days);
  const series = (name) => sum(slots(days).map((i) => DATA.series[name][house][i]));
  return {
    followers: counts.findLast((count) => count != null) ?? null,
    gained, gained_raw: sum(raw), gained_percent: gained == null || !(base > 0) ? null : (100 * gained) / base,
    days_with_gain: gains.filter((x) => x != null).length,
    posts: posts.length, likes_hidden: posts.filter((post) => post.hidden).length,
    engagement_per_mille: median(posts.map(engagementOf)), likes_24h_per_mille: median(posts.map((post) => likesPerMille(post))),
    likes_gained: series("likes_gained"), comments_gained: series("comments_gained"),
    hashtag_posts: distinct(house, days), own_posts: distinct(house, days, (author) => author === house),
    at_least: series("full") > 0,
  };
}

// The figures of all houses, whichever are chosen: shares and ranks are among all of them.
function figures(days) {
  if (!days) return null;
  const all = HOUSES.map((house) => ({ house, ...figuresOf(house.index, days) }));
  const [posts, own] = [sum(all.map((h) => h.hashtag_posts)), sum(all.map((h) => h.own_posts))];
  for (const h of all) {
    h.share = posts ? h.hashtag_posts / posts : null;
    h.share_of_others = posts > own ? (h.hashtag_posts - h.own_posts) / (posts - own) : null;
  }
  return all;
}

// The houses by a figure, greatest first; those without one come last.
const ranked = (all, figure) => [...all].sort((a, b) => (b[figure] ?? -Infinity) - (a[figure] ?? -Infinity));
