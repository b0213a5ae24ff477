"use strict";
(() => {
  const all = (query, within = document) => Array.from(within.querySelectorAll(query));

  // A heading sorts its column; what has no number stays last.
  for (const table of all("table.ranked")) {
    const heads = all("thead th", table);
    heads.forEach((head, place) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") === "descending" || (head.getAttribute("aria-sort") === "none" && place < 2);
        heads.forEach((other) => { if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[place].dataset.sort;
        const rows = all("tbody tr", table).sort((one, other) => {
          const [a, b] = [key(one), key(other)];
          if (a === "" || b === "") return (a === "") - (b === "");
          const order = place === 1 ? a.localeCompare(b) : Number(a) - Number(b);
          return up ? order : -order;
        });
        table.tBodies[0].append(...rows);
      });
    });
  }

  // Tabs, as the ARIA practices have them. Without a script every panel shows.
  for (const list of all("[role=tablist]")) {
    const tabs = all("[role=tab]", list);
    const show = (chosen, focus) => tabs.forEach((tab) => {
      const on = tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls"));
      panel.hidden = !on;
      panel.classList.toggle("first", on);
      if (on && focus) tab.focus();
    });
    tabs.forEach((tab, place) => {
      tab.addEventListener("click", () => show(tab, false));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        show(tabs[(place + step + tabs.length) % tabs.length], true);
      });
    });
    if (tabs.length) show(tabs[0], false);
  }

  // Maps: pointing at a scan, or going there by the arrow keys, shows it and its subject in every map.
  const points = JSON.parse(document.getElementById("points").textContent || "[]");
  const tip = document.getElementById("tip");
  const maps = document.querySelector("#maps .maps");
  const make = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const place = (box) => {
    const left = box.right + 14 + tip.offsetWidth > innerWidth ? box.left - tip.offsetWidth - 14 : box.right + 14;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, Math.min(box.top - 20, innerHeight - tip.offsetHeight - 8))}px`;
  };
  const clear = () => {
    tip.hidden = true;
    if (!maps) return;
    maps.classList.remove("lit");
    all(".on, .here", maps).forEach((item) => item.classList.remove("on", "here"));
  };
  const visit = (point) => {
    clear();
    const scan = points[Number(point.dataset.scan)];
    maps.classList.add("lit");
    const subject = point.parentNode.dataset.subject;
    all(`.subject[data-subject="${subject}"]`, maps).forEach((item) => item.classList.add("on"));
    all(`.pt[data-scan="${point.dataset.scan}"]`, maps).forEach((item) => item.classList.add("here"));
    tip.replaceChildren();
    if (scan.p) {
      const image = document.getElementById(scan.p);
      const space = "http://www.w3.org/2000/svg";
      const svg = document.createElementNS(space, "svg");
      svg.setAttribute("viewBox", `0 0 ${image.getAttribute("width")} ${image.getAttribute("height")}`);
      const use = document.createElementNS(space, "use");
      use.setAttribute("href", `#${scan.p}`);
      svg.append(use);
      tip.append(svg);
    }
    tip.append(make("b", scan.u), make("span", scan.s));
    if (scan.t) tip.append(make("span", scan.t));
    tip.hidden = false;
    place(point.getBoundingClientRect());
  };
  for (const box of all(".mapbox")) {
    const marks = all(".pt", box);
    const middle = (mark) => { const at = mark.getBoundingClientRect(); return [at.left + at.width / 2, at.top + at.height / 2]; };
    let here = null;
    box.addEventListener("pointermove", (event) => {
      // The nearest mark counts: a mark is small, and a finger is not.
      let best = null, least = 18 ** 2;
      for (const mark of marks) {
        const [x, y] = middle(mark);
        const far = (x - event.clientX) ** 2 + (y - event.clientY) ** 2;
        if (far < least) [best, least] = [mark, far];
      }
      if (best === here && !tip.hidden) return;
      here = best;
      if (best) visit(best); else clear();
    });
    box.addEventListener("pointerleave", () => { here = null; clear(); });
    box.addEventListener("blur", clear);
    box.addEventListener("keydown", (event) => {
      const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
      if (event.key === "Escape") { here = null; clear(); }
      if (!way || !marks.length) return;
      event.preventDefault();
      if (!here || !marks.includes(here)) { here = marks[0]; visit(here); return; }
      const [x, y] = middle(here);
      let best = null, least = Infinity;
      for (const mark of marks) {
        const [u, v] = middle(mark), ahead = (u - x) * way[0] + (v - y) * way[1], aside = Math.abs((u - x) * way[1]) + Math.abs((v - y) * way[0]);
        if (mark !== here && ahead > 0.5 && ahead + 2 * aside < least) [best, least] = [mark, ahead + 2 * aside];
      }
      if (best) { here = best; visit(best); }
    });
  }

  // A method of a legend stands out in the charts of its section.
  for (const item of all(".legend li[data-series]")) {
    const section = item.closest("section");
    const light = (on) => {
      section.classList.toggle("lit-series", on);
      all(`.series[data-series="${item.dataset.series}"]`, section).forEach((line) => line.classList.toggle("on", on));
    };
    item.addEventListener("pointerenter", () => light(true));
    item.addEventListener("pointerleave", () => light(false));
  }

  const theme = document.querySelector(".theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const root = document.documentElement.style;
    const dark = root.colorScheme ? root.colorScheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.colorScheme = dark ? "light" : "dark";
  });
  addEventListener("beforeprint", () => all("details").forEach((item) => { item.open = true; }));
})();
