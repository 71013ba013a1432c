// Shows the values of a figure under the pointer and on the arrow keys. Without this script the page is complete.
(() => {
  "use strict";
  const report = JSON.parse(document.getElementById("report-data").textContent);
  const blocks = report.sections.flatMap((section) => section.blocks);
  const figures = new Map(blocks.filter((block) => block.type === "figure").map((figure) => [figure.id, figure]));

  const shown = (x) => {
    if (typeof x !== "number") return String(x);
    const size = Math.abs(x);
    const text = x === 0 || (size >= 1e-4 && size < 1e6) ? String(+x.toPrecision(5)) : x.toExponential(3);
    return text.replace(/-/g, "−").replace(/e\+?/, " · 10^");
  };

  const element = (name, parent, text) => {
    const made = parent.appendChild(document.createElement(name));
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // An axis as written by the renderer: its kind and its ends in its own coordinate.
  const axis = (text, from, to) => {
    const [kind, low, high] = text.split(" ");
    return (x) => {
      const t = typeof x !== "number" ? NaN : kind === "log" ? Math.log10(x) : x;
      const place = from + ((t - low) / (high - low)) * (to - from);
      return Number.isFinite(place) ? place : NaN;
    };
  };

  const explore = (svg, figure, tip, voice) => {
    const [left, top, right, bottom] = svg.dataset.plot.split(" ").map(Number);
    const colors = svg.dataset.colors.split(" ");
    const across = axis(svg.dataset.x, left, right);
    const up = axis(svg.dataset.y, bottom, top);
    const inside = (x) => across(x) >= left - 0.5 && across(x) <= right + 0.5;
    const all = figure.series.flatMap((series) => series.x.filter(inside));
    const stops = [...new Set(all)].sort((a, b) => a - b);
    if (stops.length === 0) return;
    const places = stops.map(across);
    let current = -1;

    const shape = (name, attributes, style) => {
      const made = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
      made.setAttribute("style", style);
      return made;
    };
    const overlay = svg.appendChild(shape("g", { "aria-hidden": "true" }, "pointer-events:none"));

    // For each series its value at the stop; series without a point there are left out.
    const values = (stop) =>
      figure.series.flatMap((series, index) => {
        const at = series.x.indexOf(stop);
        return at < 0 || at >= series.y.length ? [] : [{ series, at, color: `var(--${colors[index]})`, y: series.y[at] }];
      });

    const draw = (found, place) => {
      const line = { x1: place, x2: place, y1: top, y2: bottom };
      const dots = found.filter(({ y }) => up(y) >= top - 0.5 && up(y) <= bottom + 0.5);
      overlay.replaceChildren(
        shape("line", line, "stroke:var(--axis);stroke-width:1"),
        ...dots.map(({ y, color }) =>
          shape("circle", { cx: place, cy: up(y), r: 5 }, `fill:${color};stroke:var(--paper);stroke-width:1.5`),
        ),
      );
    };

    const range = ({ series, at }) =>
      series.band ? ` (${shown(series.band.low[at])} to ${shown(series.band.high[at])})` : "";

    const write = (found, stop, place) => {
      tip.replaceChildren();
      element("b", tip, `${figure.x.label} ${shown(stop)}${figure.x.unit ? ` ${figure.x.unit}` : ""}`);
      for (const entry of found) {
        const row = element("div", tip);
        element("i", row).style.background = entry.color;
        element("span", row, entry.series.name);
        element("span", row, shown(entry.y) + range(entry));
      }
      voice.textContent = [...tip.children].map((line) => [...line.childNodes].map((n) => n.textContent).join(" ")).join("; ");
      tip.hidden = false;
      const zoom = svg.clientWidth / svg.viewBox.baseVal.width || svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      const room = tip.parentElement.clientWidth - tip.offsetWidth;
      const beside = place * zoom + 14 <= room ? place * zoom + 14 : place * zoom - tip.offsetWidth - 14;
      tip.style.left = `${Math.max(0, Math.min(room, beside))}px`;
      tip.style.top = `${top * zoom + 6}px`;
    };

    const show = (index) => {
      if (index === current) return;
      current = index;
      const found = values(stops[index]);
      draw(found, places[index]);
      write(found, stops[index], places[index]);
    };
    const hide = () => {
      current = -1;
      tip.hidden = true;
      overlay.replaceChildren();
    };
    const nearest = (x) => {
      let best = 0;
      places.forEach((place, index) => { if (Math.abs(place - x) < Math.abs(places[best] - x)) best = index; });
      return best;
    };
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const zoom = box.width / svg.viewBox.baseVal.width;
      const y = (event.clientY - box.top) / zoom;
      if (y < top - 10 || y > bottom + 30) hide();
      else show(nearest((event.clientX - box.left) / zoom));
    };
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    const press = (event) => {
      if (event.key === "Escape") return hide();
      if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const from = current < 0 ? (steps[event.key] > 0 ? -1 : stops.length) : current;
      show(Math.max(0, Math.min(stops.length - 1, from + steps[event.key])));
    };
    svg.setAttribute("tabindex", "0");
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("keydown", press);
    svg.addEventListener("blur", hide);
  };

  for (const plot of document.querySelectorAll("[data-figure]")) {
    const figure = figures.get(plot.dataset.figure);
    if (!figure) continue;
    const tip = element("div", plot);
    tip.className = "tip";
    tip.hidden = true;
    tip.setAttribute("aria-hidden", "true");
    const voice = element("div", plot);
    voice.className = "unseen";
    voice.setAttribute("aria-live", "polite");
    for (const svg of plot.querySelectorAll("svg")) explore(svg, figure, tip, voice);
  }
  document.documentElement.dataset.interactive = "yes";
})();
