"use strict";
(() => {
  const PAGE = 50, MOST_WORDS = 1200, FEW = 4;
  const FLIPS = [["", "any outcome"], ["won", "won"], ["lost", "lost"], ["failing", "failing in both"], ["differ", "different answers"]];

  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const plural = (n, one) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;

  const state = () => {
    const text = location.hash.slice(1);
    return text.includes("=") ? new URLSearchParams(text) : null;
  };

  class Cases {
    constructor(section) {
      this.section = section;
      this.data = JSON.parse(document.getElementById(`${section.dataset.cases}-data`).textContent);
      this.form = section.querySelector("form");
      this.list = section.querySelector(".list");
      this.told = section.querySelector(".count");
      this.pages = section.querySelector(".pages");
      this.page = 0;
      this.lower = null;
      this.unfolded = true;
      this.fill();
      this.listen();
      this.form.hidden = false;
      this.restore();
    }

    text(at) {
      const kept = at < 0 ? null : this.data.texts[at];
      return Array.isArray(kept) ? kept[0] : kept;
    }

    fill() {
      const { rungs, slices, kinds, cases } = this.data;
      const options = (name, pairs) => {
        for (const [value, text] of pairs) {
          const option = make("option", "", text);
          option.value = value;
          this.form.elements[name].append(option);
        }
      };
      const fails = rungs.map((_, r) => cases.filter((row) => row[4][r] && row[4][r][0] >= 0).length);
      options("rung", [["", "any rung"], ...rungs.map((rung, r) => [rung, `${rung} (${fails[r]})`])]);
      options("kind", [["", "any kind"], ...kinds.map((kind) => [kind, kind])]);
      options("slice", [["", "all cases"], ...slices.map((slice) => [slice, slice])]);
      options("a", [...rungs.map((rung) => [rung, rung]), ["=", "expected"]]);
      options("b", rungs.map((rung) => [rung, rung]));
      options("flip", FLIPS);
      this.form.elements.a.value = rungs[0];
      const last = this.data.selected >= 0 ? this.data.selected : rungs.length - 1;
      this.form.elements.b.value = rungs[last];
      if (last === 0) this.form.elements.a.value = "=";
      for (const option of this.form.querySelectorAll("option")) option.defaultSelected = option.selected;
    }

    listen() {
      let timer = 0;
      this.form.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => { this.page = 0; this.show(); this.keep(); }, 120);
      });
      this.form.addEventListener("submit", (event) => event.preventDefault());
      this.form.addEventListener("reset", () => setTimeout(() => { this.page = 0; this.show(); this.keep(); }));
      this.pages.addEventListener("click", (event) => {
        const by = { before: -1, after: 1 }[event.target.name];
        if (!by) return;
        this.page += by;
        this.show();
        this.keep();
        this.told.scrollIntoView({ block: "start" });
      });
    }

    restore() {
      const found = state();
      if (found && (found.get("ladder") || this.data.ladder) === this.data.ladder) {
        for (const name of ["rung", "kind", "slice", "q", "a", "b", "flip"]) {
          const field = this.form.elements[name], value = found.get(name);
          if (value === null) continue;
          const known = field.tagName !== "SELECT" || [...field.options].some((option) => option.value === value);
          if (known) field.value = value;
        }
        this.page = Math.max(0, (parseInt(found.get("page"), 10) || 1) - 1);
        this.show(found.get("case"));
        this.section.scrollIntoView();
      } else {
        this.show();
      }
    }

    keep() {
      const kept = new URLSearchParams({ ladder: this.data.ladder });
      for (const field of this.form.elements) {
        const usual = field.tagName === "SELECT" && field.options.length
          ? ([...field.options].find((option) => option.defaultSelected) || field.options[0]).value : "";
        if (field.name && field.value !== usual) kept.set(field.name, field.value);
      }
      if (this.page) kept.set("page", this.page + 1);
      try { history.replaceState(null, "", `#${kept}`); } catch { /* a page that may not tell where it is */ }
    }

    matching() {
      const { rungs, kinds, slices, cases } = this.data, fields = this.form.elements;
      const rung = rungs.indexOf(fields.rung.value), kind = kinds.indexOf(fields.kind.value);
      const slice = slices.indexOf(fields.slice.value), flip = fields.flip.value;
      const a = rungs.indexOf(fields.a.value), b = rungs.indexOf(fields.b.value);
      const has = this.searched(fields.q.value.trim().toLowerCase());
      return cases.filter((row) => {
        if (slice >= 0 && !row[1].includes(slice)) return false;
        const looked = rung >= 0 ? [row[4][rung]] : row[4];
        if (!looked.some((one) => one && one[0] >= 0 && (kind < 0 || one[0] === kind))) return false;
        return this.flips(row, a, b, flip) && has(row);
      });
    }

    flips(row, a, b, flip) {
      if (!flip) return true;
      const after = row[4][b], before = a < 0 ? null : row[4][a];
      if (!after || (a >= 0 && !before)) return false;
      if (flip === "differ") return (a < 0 ? row[3] : before[2]) !== after[2];
      const sum = (one) => one ? one[1].reduce((all, score) => all + (score ?? 0), 0) : one;
      if (flip === "failing") return after[0] >= 0 && (!before || before[0] >= 0);
      const gain = sum(after) - (before ? sum(before) : this.data.metrics.length);
      return flip === "won" ? gain > 0 : gain < 0;
    }

    searched(words) {
      if (!words) return () => true;
      this.lower ??= this.data.texts.map((kept) => (Array.isArray(kept) ? kept[0] : kept).toLowerCase());
      const hits = this.lower.map((text) => text.includes(words));
      return (row) => row[0].toLowerCase().includes(words) || hits[row[2]] || hits[row[3]]
        || row[4].some((one) => one && (hits[one[2]] || hits[one[3]] || this.stepped(one, (at) => hits[at])));
    }

    stepped(one, has) {
      return Array.isArray(one[4]) && one[4].some(([, , lines]) => lines.some((line) => line.slice(2, 5).some(has)));
    }

    show(open) {
      const found = this.matching(), last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
      if (open) {
        const at = found.findIndex((row) => row[0] === open);
        if (at >= 0) this.page = Math.floor(at / PAGE);
      }
      this.page = Math.min(this.page, last);
      const here = found.slice(this.page * PAGE, (this.page + 1) * PAGE);
      const opened = new Set([...this.list.children].filter((item) => item.open).map((item) => item.dataset.case));
      this.list.replaceChildren(...here.map((row) => this.item(row, row[0] === open || opened.has(row[0]))));
      const all = plural(this.data.cases.length, "failing case");
      const key = this.data.rungs.length <= FEW ? "" : ` Marks: ${this.data.rungs.map((rung, r) => `${r + 1} ${rung}`).join(", ")}.`;
      this.told.textContent = (found.length === this.data.cases.length ? `${all}.`
        : `${found.length.toLocaleString("en")} of ${all}.`) + key;
      this.pages.hidden = last === 0;
      this.pages.children[0].disabled = this.page === 0;
      this.pages.children[1].textContent = `${this.page + 1} of ${last + 1}`;
      this.pages.children[2].disabled = this.page === last;
    }

    item(row, open) {
      const item = make("details", "case"), summary = make("summary"), marks = make("span", "marks");
      const peek = make("span", "peek", (this.text(row[2]) || "").slice(0, 240));
      peek.dir = "auto";
      this.data.rungs.forEach((rung, r) => row[4][r] && marks.append(this.mark(rung, row[4][r], r)));
      summary.append(make("span", "id", row[0]), peek, marks);
      item.append(summary);
      item.addEventListener("toggle", () => {
        if (item.open && item.children.length === 1) item.append(this.inside(row));
      });
      item.dataset.case = row[0];
      item.open = open;
      return item;
    }

    mark(rung, one, at) {
      const kind = this.data.kinds[one[0]], few = this.data.rungs.length <= FEW;
      const look = one[0] < 0 ? "right" : kind === "error" ? "error" : "wrong";
      const sign = { right: "✓", wrong: "✗", error: "!" }[look];
      const node = make("span", `mark ${look}`, `${sign} ${few ? rung : at + 1}`);
      node.title = one[0] < 0 ? `${rung}: right` : `${rung}: ${kind}, ${this.scores(one)}`;
      return node;
    }

    scores(one) {
      return this.data.metrics.map((metric, m) => `${metric} ${one[1][m] ?? "unscored"}`).join(", ");
    }

    inside(row) {
      const { data } = this, box = make("div", "inside"), texts = make("dl", "texts");
      const slices = row[1].map((s) => data.slices[s]);
      if (slices.length) box.append(make("p", "tags", `slices: ${slices.join(", ")}`));
      for (const [name, at] of [["input", row[2]], ["expected", row[3]]]) {
        if (at < 0) continue;
        const pair = make("div"), dd = make("dd");
        dd.append(...this.whole(at));
        pair.append(make("dt", "", name), dd);
        texts.append(pair);
      }
      if (row[5]?.length) {
        const pair = make("div"), dd = make("dd");
        dd.append(this.documents(row[5].map((at) => [at, ""]), new Set(row[5])));
        pair.append(make("dt", "", "evidence"), dd);
        texts.append(pair);
      }
      if (texts.children.length) box.append(texts);
      const b = data.rungs.indexOf(this.form.elements.b.value), a = data.rungs.indexOf(this.form.elements.a.value);
      const before = a < 0 ? row[3] : row[4][a] ? row[4][a][2] : -1, after = row[4][b] ? row[4][b][2] : -1;
      const [left, right] = this.differences(before, after), sides = make("div", "sides");
      sides.append(this.side(a < 0 ? "expected" : data.rungs[a], a < 0 ? null : row[4][a], before, left, row));
      sides.append(this.side(data.rungs[b], row[4][b], after, right, row));
      box.append(sides);
      return box;
    }

    side(name, one, at, nodes, row) {
      const box = make("section", "side"), head = make("h4", "", name), { data } = this;
      if (one) head.append(make("span", "", `${this.scores(one)}${one[0] < 0 ? "" : `, kind ${data.kinds[one[0]]}`}`));
      box.append(head);
      if (at >= 0) box.append(...this.whole(at, nodes));
      else if (data.show !== "ids") box.append(make("p", "why", one || name === "expected" ? "no answer here" : "not measured"));
      if (one && one[3] >= 0) box.append(make("p", "why", this.text(one[3])));
      if (one && one.length > 4) box.append(...this.ways(one[4], new Set(row[5]), name));
      return box;
    }

    // How the answers of a rung came about: each way once, its steps in order.
    ways(found, evidence, rung) {
      if (!found) return [make("p", "why", "Steps left out of a page of this size; `ladder show` prints them.")];
      return found.map(([told, more, lines]) => {
        const box = make("details", "steps"), head = make("summary"), list = make("ol");
        const names = lines.map((line) => this.data.steps[line[0]]), counts = new Map();
        for (const name of names) counts.set(name, (counts.get(name) || 0) + 1);
        const kinds = [...counts].map(([name, n]) => n > 1 ? `${n} × ${name}` : name).join(", ");
        head.append(make("b", "", "Steps"), make("span", "hide", ` of ${rung}: `), make("span", "", [told, kinds].filter(Boolean).join(": ")));
        list.append(...lines.map((line) => this.step(line, evidence)));
        box.append(head, list);
        if (more) box.append(make("p", "why", `${plural(more, "more step")}; \`ladder show\` prints them.`));
        box.open = this.unfolded;
        head.addEventListener("click", () => { this.unfolded = !box.open; });
        return box;
      });
    }

    step([name, part, asked, result, note, tone, more, ...found], evidence) {
      const item = make("li", `step ${["", "failed", "refused"][tone]}`), what = make("div", "what"), said = make("div", "said");
      if (part) what.append(make("span", "part", part), " ");
      what.append(this.data.steps[name]);
      if (asked >= 0) said.append(...this.whole(asked));
      if (asked >= 0 && this.data.steps[name].endsWith("call")) said.firstChild.classList.add("code");
      if (result >= 0) {
        const [box, ...rest] = this.whole(result);
        if (asked >= 0) box.prepend(make("span", "gives", "→ "));
        box.classList.add("result");
        said.append(box, ...rest);
      }
      if (found.length) said.append(this.documents(found.flatMap((_, f) => f % 2 ? [] : [[found[f], found[f + 1]]]), tone ? null : evidence, more));
      if (note >= 0) said.append(...this.whole(note).map((node) => (node.classList.add("aside"), node)));
      item.append(what, said);
      return item;
    }

    documents(found, evidence, more) {
      const list = make("ul", "documents");
      for (const [at, score] of found) {
        const [id, title] = this.data.documents[at], item = make("li"), is = evidence?.has(at);
        item.append(make("span", "is", is ? "✓" : ""), make("b", "", id), make("span", "title", title), make("span", "score", score));
        if (is) item.firstChild.append(make("span", "hide", " evidence: "));
        if (is) item.title = "evidence of the case";
        list.append(item);
      }
      if (more) list.append(make("li", "more", `and ${more.toLocaleString("en")} more`));
      return list;
    }

    whole(at, nodes) {
      const kept = this.data.texts[at], box = make("div", "text");
      box.dir = "auto";
      if (this.text(at).length > 900) { box.tabIndex = 0; box.role = "region"; box.ariaLabel = "long text"; }
      if (nodes) box.append(...nodes); else box.textContent = this.text(at) || "(empty)";
      if (!Array.isArray(kept)) return [box];
      return [box, make("span", "cutnote", `cut here: ${plural(kept[1], "character")} left out`)];
    }

    differences(before, after) {
      if (before < 0 || after < 0) return [null, null];
      if (before === after) return [null, null];
      const split = (text) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) || [];
      const one = split(this.text(before)), other = split(this.text(after));
      let first = 0, last = 0;
      while (first < one.length && first < other.length && one[first] === other[first]) first++;
      while (last < one.length - first && last < other.length - first
        && one[one.length - 1 - last] === other[other.length - 1 - last]) last++;
      const kept = common(one.slice(first, one.length - last), other.slice(first, other.length - last));
      const side = (words, held, tag) => {
        const nodes = [document.createTextNode(words.slice(0, first).join(""))];
        let run = "", same = true;
        const flush = () => { if (run) nodes.push(same ? document.createTextNode(run) : make(tag, "", run)); run = ""; };
        words.slice(first, words.length - last).forEach((word, at) => {
          const is = held.has(at);
          if (is !== same) { flush(); same = is; }
          run += word;
        });
        flush();
        nodes.push(document.createTextNode(words.slice(words.length - last).join("")));
        return nodes;
      };
      return [side(one, kept[0], "del"), side(other, kept[1], "ins")];
    }
  }

  // The longest common run of words, in order: places on either side. Beyond a bound nothing is common.
  const common = (one, other) => {
    const held = [new Set(), new Set()], n = one.length, m = other.length;
    if (!n || !m || n > MOST_WORDS || m > MOST_WORDS) return held;
    const wide = m + 1, best = new Uint16Array((n + 1) * wide);
    for (let i = n - 1; i >= 0; i--) for (let j = m - 1; j >= 0; j--) {
      best[i * wide + j] = one[i] === other[j] ? best[(i + 1) * wide + j + 1] + 1
        : Math.max(best[(i + 1) * wide + j], best[i * wide + j + 1]);
    }
    for (let i = 0, j = 0; i < n && j < m;) {
      if (one[i] === other[j]) { held[0].add(i++); held[1].add(j++); }
      else if (best[(i + 1) * wide + j] >= best[i * wide + j + 1]) i++; else j++;
    }
    return held;
  };

  const all = [...document.querySelectorAll("section[data-cases]")]
    .filter((section) => section.querySelector("form")).map((section) => new Cases(section));
  addEventListener("hashchange", () => { if (state()) all.forEach((cases) => cases.restore()); });
  document.documentElement.dataset.ready = "yes";
})();
