"use strict";
// The charts, one after the other while nothing else is to do. Their expressions are interpreted: the page's policy
// allows no code that is made from text.
(() => {
  const specs = JSON.parse(document.getElementById("chart-specs").textContent);
  const places = Array.from(document.querySelectorAll("[data-chart]"));
  const later = window.requestIdleCallback ?? ((work) => setTimeout(work, 1));
  const draw = async (place) => {
    const spec = specs[place.dataset.chart];
    const drawn = await window.vegaEmbed(place, spec, {
      ast: true, actions: false, renderer: "svg", defaultStyle: false, mode: "vega-lite",
      tooltip: { disableDefaultStyle: true },
      loader: { load: () => Promise.reject(new Error("this page loads nothing")) },
      ...(spec.layer?.some((layer) => layer.data?.name === "artists") ? { patch: withArtists } : {}),
    });
    if (place.dataset.chart === "shrinkage") {
      drawn.view.addEventListener("click", (_, item) => {
        if (item?.datum?.index !== undefined) window.encore.open(item.datum.index);
      });
    }
    place.dataset.drawn = "yes";
  };
  const withArtists = (vega) => {
    for (const each of vega.data) if (each.name === "artists") each.values = window.encore.dots();
    return vega;
  };
  const next = () => {
    const place = places.shift();
    if (!place) { performance.mark("encore-drawn"); document.documentElement.dataset.drawn = "yes"; return; }
    later(() => draw(place).catch((error) => { place.textContent = "This chart could not be drawn; the numbers are below."; console.error(error); }).then(next));
  };
  next();
})();
