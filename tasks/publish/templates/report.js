"use strict";
(() => {
  const board = document.getElementById("board");
  const body = board.tBodies[0];
  const search = document.getElementById("search");
  const more = document.getElementById("more");
  const count = document.getElementById("count");
  const step = Number(board.dataset.first);
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const value = (text) => (text === "" ? NaN : Number(text));
  let rows = Array.from(body.rows, (row, index) => {
    const name = row.cells[1].textContent;
    return {
      row, name, plain: plain(name),
      r: index, t: value(row.cells[2].textContent.replaceAll(",", "")),
      w: value(row.dataset.w), m: value(row.dataset.m), i: value(row.dataset.i), c: value(row.dataset.c),
    };
  });
  let shown = step;

  const draw = () => {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    const found = rows.filter((each) => words.every((word) => each.plain.includes(word)));
    const visible = found.slice(0, shown);
    body.replaceChildren(...visible.map((each) => each.row));
    more.hidden = found.length <= shown;
    count.textContent = `${visible.length.toLocaleString("en")} of ${found.length.toLocaleString("en")} shown`;
  };
  const compare = (by, way) => (a, b) => {
    if (by === "a") return way * a.name.localeCompare(b.name);
    if (Number.isNaN(a[by]) || Number.isNaN(b[by])) return Number.isNaN(a[by]) - Number.isNaN(b[by]);
    return way * (a[by] - b[by]) || a.r - b.r;
  };
  for (const button of board.tHead.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const before = head.getAttribute("aria-sort");
      const first = Number(button.dataset.first);
      const way = before ? (before === "ascending" ? -1 : 1) : first;
      for (const other of board.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
      rows = rows.sort(compare(button.dataset.by, way));
      draw();
    });
  }
  search.disabled = false;
  search.addEventListener("input", () => { shown = step; draw(); });
  more.addEventListener("click", () => { shown += 4 * step; draw(); });
  draw();
})();
