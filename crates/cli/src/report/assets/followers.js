// Followers gained: an estimate, since the API answers from two levels that differ by tens of thousands and both grow.
// docs/figures.md defines it, and report/followers.rs computes the same.

const MIN_COUNTS = 12;

// The counts of a house, each with its row, the time of the row and the moment of the response in milliseconds.
function counts(house) {
  const t = times("brand"), asked = DATA.tables.brand?.width ? [] : values("brand", "asked", house);
  return values("brand", "followers", house).flatMap((n, i) => (n == null ? [] : [{ i, row: t[i], at: t[i] * 1000 + (asked[i] ?? 0), n }]));
}

const slope = (a, b) => (b.at > a.at ? (b.n - a.n) / (b.at - a.at) : null);

// The two levels of a window, lower first, or the window as one level.
function levels(window) {
  const rate = median(window.slice(1).map((point, i) => slope(window[i], point)));
  const residual = (point) => point.n - rate * (point.at - window[0].at);
  const sorted = window.map(residual).sort((a, b) => a - b);
  let gap = 0, next = 0, above = -Infinity;
  sorted.slice(1).forEach((high, i) => {
    const step = high - sorted[i];
    if (step > gap) [gap, next, above] = [step, gap, high];
    else if (step > next) next = step;
  });
  if (gap <= 2 * next || gap <= window[0].n / 10000) return [window];
  return [window.filter((point) => residual(point) < above), window.filter((point) => residual(point) >= above)];
}

// What was gained in a window; null if there are too few counts, or if nobody can tell a change of level from a real step.
function estimate(window, parts) {
  if (window.length < MIN_COUNTS) return null;
  const all = window.at(-1).at - window[0].at;
  if (parts.length === 1) return window.at(-1).n - window[0].n;
  if (parts.some((level) => 2 * (level.at(-1).at - level[0].at) < all)) return null;
  const gained = (all * parts.reduce((k, level) => k + level.length * slope(level[0], level.at(-1)), 0)) / window.length;
  return Math.sign(gained) * Math.round(Math.abs(gained));
}

// What a house gained in the range. `line` has the growth since the start of the range at each row, with the levels
// taken out; `upper` the rows that were answered from the upper level.
function gain(house) {
  const { from, to } = STATE, points = counts(house);
  // The number of counts before a time.
  const before = (time) => {
    let low = 0, high = points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle].row < time) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const between = (start, end) => {
    const first = before(start), next = before(end + 1);
    return first < next ? points.slice(Math.max(0, first - 1), next) : [];
  };
  const window = between(from, to), pieces = [];
  for (let end = to; ; end -= DAY) {
    const whole = end - from > DAY;
    pieces.unshift(between(whole ? end - DAY + 1 : from, end));
    if (!whole) break;
  }
  const found = { house, estimate: null, raw: window.length > 1 ? window.at(-1).n - window[0].n : null, last: window.at(-1)?.n ?? null,
    pieces: pieces.length, estimated: 0, line: new Map(), upper: new Set() };
  for (const piece of pieces) {
    const parts = piece.length ? levels(piece) : [], gained = estimate(piece, parts);
    if (gained == null) continue;
    trace(found, piece, parts, gained);
    found.estimate = add(found.estimate, gained);
    found.estimated += 1;
  }
  found.changes = window.filter((point, i) => i && found.upper.has(point.i) !== found.upper.has(window[i - 1].i)).length;
  return found;
}

// Adds a piece to the line: the growth of the estimate, and how far each count is from its level.
function trace({ line, upper, estimate: before }, piece, parts, gained) {
  const rate = parts.length === 1 ? 0 : gained / (piece.at(-1).at - piece[0].at);
  const grown = (point) => rate * (point.at - piece[0].at);
  for (const level of parts) {
    const base = parts.length === 1 ? piece[0].n : level.reduce((k, point) => k + point.n - grown(point), 0) / level.length;
    for (const point of level) line.set(point.i, (before ?? 0) + point.n - base);
  }
  for (const point of parts[1] ?? []) upper.add(point.i);
}

// The shown houses that have a count, and of these the one that gained the most. `limits` says what its place leaves out:
// days without an estimate, and houses without one.
function gains() {
  const houses = shown().map(gain).filter((h) => h.last != null), known = houses.filter((h) => h.estimate != null);
  const best = most(known, (h) => h.estimate);
  const limits = !best ? "" : [
    best.estimated < best.pieces ? `, in ${n(best.estimated)} of ${n(best.pieces)} days` : "",
    known.length < houses.length ? `, of ${many(known.length, "house")} with a figure` : "",
  ].join("");
  return { houses, best, limits };
}
