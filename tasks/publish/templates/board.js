"use strict";
// The leaderboard: search, filters, sorting, an artist's details. Only the rows in view are in the page.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("board-data").textContent);
  const count = data.a.length;
  const table = $("board"), body = table.tBodies[0], view = $("view"), status = $("count");
  const search = $("search"), genre = $("genre"), fewest = $("fewest"), most = $("most"), reset = $("reset");
  const dialog = $("artist");
  const whole = (value) => value.toLocaleString("en");
  const points = (tenths) => (tenths / 10).toFixed(1).replace("-", "\u2212");
  const signed = (tenths) => (tenths === null ? "\u2013" : (tenths > 0 ? "+" : "") + points(tenths));
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const genresOf = (index) => (typeof data.g[index] === "number" ? [data.g[index]] : data.g[index]);
  const tracks = (index) => `${whole(data.t[index])} ${data.t[index] === 1 ? "track" : "tracks"}`;
  const at = (tenths) => `${Math.min(100, Math.max(0, tenths / 10))}%`;

  let order = Array.from({ length: count }, (_, index) => index);
  let found = order, active = 0, sorted = ["r", 1], folded = null;

  // Rows: a fixed height, two spacers for those above and below, and as many in between as can be seen.
  const above = document.createElement("tr"), below = document.createElement("tr");
  for (const spacer of [above, below]) {
    spacer.className = "spacer";
    spacer.setAttribute("aria-hidden", "true");
    spacer.append(document.createElement("td"));
  }
  const pool = [];
  const element = (tag, kind, ...inside) => {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    made.append(...inside);
    return made;
  };
  const makeRow = () => {
    const row = document.createElement("tr");
    const name = element("bdi", ""), more = element("small", "quiet narrow");
    const button = element("button", "open", name);
    button.type = "button";
    const who = element("th", "who", button, more);
    who.scope = "row";
    const bar = element("span", "bar", element("i", ""));
    const cells = [
      element("td", "n rank"), who, element("td", "side genre quiet", element("bdi", "")), element("td", "n side"),
      element("td", "n side"), element("td", "n key"), element("td", "n side quiet"), element("td", "wide", bar),
      element("td", "n side"),
    ];
    row.append(...cells);
    return { row, cells, button, name, more, bar, genre: cells[2].firstChild, at: -1 };
  };
  const fill = (made, place) => {
    const index = found[place];
    made.at = place;
    made.row.setAttribute("aria-rowindex", place + 2);
    made.button.tabIndex = place === active ? 0 : -1;
    if (made.index === index) return;
    made.index = index;
    const { cells, bar } = made;
    const first = genresOf(index)[0], named = first === undefined ? "" : data.genres[first];
    cells[0].textContent = whole(data.r[index]);
    made.name.textContent = data.a[index];
    made.more.textContent = tracks(index);
    made.genre.textContent = named;
    cells[3].textContent = whole(data.t[index]);
    cells[4].textContent = points(data.w[index]);
    cells[5].textContent = points(data.m[index]);
    cells[6].textContent = `${points(data.l[index])} to ${points(data.h[index])}`;
    cells[8].textContent = signed(data.c[index]);
    cells[8].dataset.way = Math.sign(data.c[index] ?? 0);
    bar.style.setProperty("--l", at(data.l[index]));
    bar.style.setProperty("--w", `${Math.max(0, Math.min(1000, data.h[index]) - Math.max(0, data.l[index])) / 10}%`);
    bar.style.setProperty("--m", at(data.m[index]));
    bar.style.setProperty("--z", at(data.w[index]));
  };
  let height = 44;
  const measure = () => { height = parseFloat(getComputedStyle(table).getPropertyValue("--row")) || 44; };
  const head = () => table.tHead.offsetHeight;
  let all = false; // on paper there is no scrolling
  const draw = () => {
    const focused = body.contains(document.activeElement);
    const room = Math.ceil((view.clientHeight || 600) / height) + 12;
    const shown = Math.min(found.length, all ? 50 : room);
    let start = all ? 0 : Math.max(0, Math.floor(view.scrollTop / height) - 6);
    start = Math.min(start, found.length - shown);
    while (pool.length < shown) pool.push(makeRow());
    // A row stays with the artist it shows where it can, so that scrolling moves rows and does not write them anew.
    const rows = new Array(shown), free = [];
    for (const made of pool) {
      const place = made.at - start;
      if (made.index !== undefined && place >= 0 && place < shown && found[made.at] === made.index && !rows[place]) rows[place] = made;
      else free.push(made);
    }
    for (let place = 0; place < shown; place += 1) {
      rows[place] ??= free.pop();
      fill(rows[place], start + place);
    }
    above.firstChild.style.height = `${start * height}px`;
    below.firstChild.style.height = `${all ? 0 : (found.length - start - shown) * height}px`;
    above.hidden = start === 0;
    body.replaceChildren(above, ...rows.map((made) => made.row), below);
    if (focused && shown) {
      active = Math.min(Math.max(active, start), start + shown - 1);
      for (const made of rows) made.button.tabIndex = made.at === active ? 0 : -1;
      rows[active - start].button.focus({ preventScroll: true });
    } else if (shown && (active < start || active >= start + shown)) rows[0].button.tabIndex = 0;
    if (!found.length) body.replaceChildren(nobody);
  };
  const nobody = element("tr", "", element("td", "", "No artist is like that. Search for less, or take the filters away."));
  nobody.firstChild.colSpan = 4;  // as many columns as a phone has

  let said = 0;
  const filter = () => {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    if (words.length) folded ??= data.a.map(plain);
    const wanted = genre.value === "" ? -1 : Number(genre.value);
    const low = Number(fewest.value) || 1, high = Number(most.value) || Infinity;
    const filtered = words.length || wanted >= 0 || low > 1 || high < Infinity;
    found = filtered
      ? order.filter((index) => data.t[index] >= low && data.t[index] <= high
          && (wanted < 0 || (typeof data.g[index] === "number" ? data.g[index] === wanted : data.g[index].includes(wanted)))
          && words.every((word) => folded[index].includes(word)))
      : order;
    active = 0;
    view.scrollTop = 0;
    reset.hidden = !filtered;
    table.setAttribute("aria-rowcount", found.length + 1);
    for (const made of pool) made.at = -1;
    draw();
    clearTimeout(said);
    status.textContent = filtered ? `${whole(found.length)} of ${whole(count)} artists` : `${whole(count)} artists`;
  };
  const values = {
    r: data.r, t: data.t, w: data.w, m: data.m, c: data.c, i: (index) => data.h[index] - data.l[index],
  };
  const sort = (by, way) => {
    sorted = [by, way];
    const column = values[by], value = typeof column === "function" ? column : (index) => column[index];
    if (by === "a") {
      const names = new Intl.Collator("en");
      folded ??= data.a.map(plain);
      order.sort((left, right) => way * names.compare(folded[left], folded[right]) || left - right);
    } else {
      // Who has no value comes last, whichever way round.
      order.sort((left, right) => {
        const one = value(left), other = value(right);
        if (one === null || other === null) return (one === null) - (other === null) || left - right;
        return way * (one - other) || left - right;
      });
    }
    for (const cell of table.tHead.rows[0].cells) cell.removeAttribute("aria-sort");
    const button = table.tHead.querySelector(`[data-by="${by}"]`);
    button.closest("th").setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
    filter();
  };

  for (const button of table.tHead.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const by = button.dataset.by, first = Number(button.dataset.first);
      sort(by, sorted[0] === by ? -sorted[1] : first);
    });
  }
  let waiting = 0;
  view.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = requestAnimationFrame(() => { waiting = 0; draw(); });
  }, { passive: true });
  for (const input of [search, fewest, most]) input.addEventListener("input", filter);
  genre.addEventListener("change", filter);
  reset.addEventListener("click", () => {
    search.value = fewest.value = most.value = genre.value = "";
    filter();
    search.focus();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && found.length) { event.preventDefault(); go(0); }
  });
  const go = (place) => {
    active = Math.min(Math.max(place, 0), found.length - 1);
    const top = active * height, seen = view.clientHeight - head();
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + height > view.scrollTop + seen) view.scrollTop = top + height - seen;
    draw();
    const made = pool.find((each) => each.at === active && each.row.isConnected);
    if (made) {
      for (const each of pool) each.button.tabIndex = each === made ? 0 : -1;
      made.button.focus({ preventScroll: true });
    }
  };
  body.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor((view.clientHeight - head()) / height) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const step = Object.hasOwn(steps, event.key) ? steps[event.key] : 0;
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (event.key === "ArrowUp" && active === 0) search.focus();
    else go(step === -Infinity ? 0 : step === Infinity ? found.length - 1 : active + step);
  });
  body.addEventListener("focusin", (event) => {
    const made = pool.find((each) => each.row.contains(event.target));
    if (made) active = made.at;
  });
  body.addEventListener("click", (event) => {
    const made = pool.find((each) => each.row.contains(event.target));
    if (made && !String(getSelection())) { active = made.at; open(made.index); }
  });

  // An artist's details, in words and on a line from 0 to 100.
  const term = (name, ...value) => element("div", "", element("dt", "", name), element("dd", "", ...value));
  const line = (title, low, middle, high, raw, said) => {
    const bar = element("span", "bar big", element("i", ""));
    bar.setAttribute("role", "img");
    bar.setAttribute("aria-label", said);
    if (raw === null) bar.firstChild.remove();
    else bar.style.setProperty("--z", at(raw));
    bar.style.setProperty("--l", at(low));
    bar.style.setProperty("--w", `${Math.max(0, Math.min(1000, high) - Math.max(0, low)) / 10}%`);
    bar.style.setProperty("--m", at(middle));
    return element("div", "line", element("span", "quiet", title), bar);
  };
  let opener = null;
  const open = (index) => {
    const named = element("bdi", "", data.a[index]), raw = data.w[index], mean = data.m[index];
    const title = element("h2", "", named);
    title.id = "artist-title";
    const close = element("button", "close", "Close");
    close.type = "button";
    close.addEventListener("click", () => dialog.close());
    const pull = mean - raw;
    const moved = Math.abs(pull) < 5 ? "That is close to the average of those tracks." : `That is ${points(Math.abs(pull))} points `
      + `${pull < 0 ? "below" : "above"} the average of those tracks: what other artists show counts too, the more so the fewer tracks there are.`;
    const text = element("p", "", `Judging by ${tracks(index)} with an average of ${points(raw)}, we expect `,
      element("b", "", `${points(mean)} points`), ` of a track like theirs; with a probability of ${data.interval} that expectation `
        + `lies between ${points(data.l[index])} and ${points(data.h[index])}. ${moved}`);
    const between = (low, high) => `${points(low)} to ${points(high)}`;
    const list = element("dl", "facts",
      term("Rank", `${whole(data.r[index])} `, element("small", "", `of ${whole(data.total)}`)),
      term("Tracks", whole(data.t[index])),
      term("Raw mean", points(raw)),
      term("Expected", points(mean), element("small", "", ` ${between(data.l[index], data.h[index])}`)),
      term("Next track", element("small", "", between(data.nl[index], data.nh[index]))),
      term("Change", data.c[index] === null ? element("small", "", "not in the last publication") : signed(data.c[index])));
    const genres = genresOf(index);
    const lines = element("div", "lines",
      line("Expected", data.l[index], mean, data.h[index], raw, `expected ${points(mean)}, ${between(data.l[index], data.h[index])}; raw mean ${points(raw)}`),
      line("Next track", data.nl[index], mean, data.nh[index], null, `next track ${between(data.nl[index], data.nh[index])}`),
      element("div", "ends quiet", element("span", "", "0"), element("span", "", "50"), element("span", "", "100")));
    const kinds = element("p", "quiet", genres.length ? "Genres: " : "");
    genres.forEach((each, place) => kinds.append(place ? ", " : "", element("bdi", "", data.genres[each])));
    dialog.replaceChildren(element("div", "top", title, close), text, lines, list, kinds);
    opener = document.activeElement;
    dialog.showModal();
    close.focus();
  };
  dialog.addEventListener("close", () => {
    const made = pool.find((each) => each.at === active && each.row.isConnected);
    if (made && body.contains(opener)) made.button.focus({ preventScroll: true });
    else opener?.focus?.({ preventScroll: true });
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  const most_tracks = data.t.reduce((left, right) => Math.max(left, right), 1);
  fewest.max = most.max = most_tracks;
  const counts = new Array(data.genres.length).fill(0);
  for (let index = 0; index < count; index += 1) for (const each of genresOf(index)) counts[each] += 1;
  data.genres.map((name, place) => [name, place])
    .filter(([, place]) => counts[place])
    .sort(([left], [right]) => left.localeCompare(right, "en"))
    .forEach(([name, place]) => {
      const option = element("option", "", `${name} (${whole(counts[place])})`);
      option.value = place;
      genre.append(option);
    });
  for (const input of document.querySelectorAll("#tools :disabled")) input.disabled = false;
  new ResizeObserver(() => { measure(); draw(); }).observe(view);
  addEventListener("beforeprint", () => { all = true; draw(); });
  addEventListener("afterprint", () => { all = false; draw(); });
  measure();
  view.classList.add("live");
  table.setAttribute("aria-rowcount", count + 1);
  filter();

  // What the charts need of it.
  window.encore = {
    open,
    dots: () => Array.from({ length: count }, (_, index) => ({
      index, name: data.a[index], count: data.t[index], raw: data.w[index] / 10, mean: data.m[index] / 10,
      tracks: data.t[index] >= 30 ? "30 or more" : data.t[index] >= 10 ? "10 to 29" : data.t[index] >= 5 ? "5 to 9"
        : data.t[index] >= 2 ? "2 to 4" : "1 track",
    })),
  };
  performance.mark("encore-ready");
  document.documentElement.dataset.ready = "yes";
})();
