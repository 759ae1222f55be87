"use strict";

// What can be pointed at on the report page. The page is complete without it, except for the tables of all days.
(() => {
  const HOURS = 24;
  const [MISSING, PROVISIONAL] = [0, 1];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%,()*+-;.=:?@^_/{|}~";
  const HINT = "Point at the picture, or select it and use the arrow keys, Page Up, Page Down, Home and End.";
  const numbers = new Intl.NumberFormat("en-US");
  const two = (number) => String(number).padStart(2, "0");

  function made(name, parent, text = "") {
    const element = document.createElement(name);
    element.textContent = text;
    parent.append(element);
    return element;
  }

  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  }

  // -- the figures of a series, as pack.py has packed them

  function decoded(text) {
    const short = (5 - (text.length % 5)) % 5;
    const padded = text + "~".repeat(short);
    const data = new DataView(new ArrayBuffer((padded.length / 5) * 4));
    for (let place = 0; place < padded.length; place += 5) {
      let number = 0;
      for (const digit of padded.slice(place, place + 5)) number = number * 85 + DIGITS.indexOf(digit);
      data.setUint32((place / 5) * 4, number);
    }
    return data.buffer.slice(0, data.byteLength - short);
  }

  // A number written as rounding.py writes it; 0 digits: the count itself.
  class Rounding {
    constructor(digits) {
      this.half = 2 ** (3 * digits);
      this.limit = digits ? 2 * this.half : Infinity;
      this.few = new Intl.NumberFormat("en-US", { maximumSignificantDigits: digits || 21 });
    }

    written(count) {
      let shifts = 0;
      for (; count >= this.limit; count /= 2) shifts += 1;
      return shifts * this.half + Math.floor(count);
    }

    read(number) {
      if (number < this.limit) return number;
      return ((number % this.half) + this.half) * 2 ** (Math.floor(number / this.half) - 1);
    }

    // A count, or a sum of counts the largest of which is given.
    said(count, largest = count) {
      return largest < this.limit ? numbers.format(count) : `about ${this.few.format(count)}`;
    }
  }

  async function unpacked(text, days) {
    const stream = new Blob([decoded(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
    const data = new Uint8Array(await new Response(stream).arrayBuffer());
    let place = days;
    const byte = () => data[(place += 1) - 1];
    const column = () => {
      const numbers = new Float64Array(days * HOURS);
      const size = byte();
      for (let weight = 1, plane = 0; plane < size; plane += 1, weight *= 256) {
        for (let index = 0; index < numbers.length; index += 1) {
          numbers[(index % days) * HOURS + Math.floor(index / days)] += data[place + index] * weight;
        }
        place += numbers.length;
      }
      return numbers;
    };
    const ofClicks = new Rounding(byte());
    const clicks = column().map((more) => (more ? ofClicks.read(more - 1) + 1 : 0));
    const ofUsers = new Rounding(byte());
    const rate = byte();
    const users = column().map((more, index) => {
      const usual = ofUsers.written(Math.floor(((clicks[index] - 1) * rate) / 128));
      return ofUsers.read(usual + (more % 2 ? -(more + 1) / 2 : more / 2));
    });
    return { days, states: data.subarray(0, days), clicks, users, ofClicks, ofUsers };
  }

  // -- words

  function dayInWords(number) {
    const day = new Date(number * 86400000);
    const date = `${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
    return `${WEEKDAYS[day.getUTCDay()]} ${date}`;
  }

  const counted = (number, noun, of) => `${of.said(number)} ${noun}${number === 1 ? "" : "s"}`;

  function hourInWords(section, day, hour) {
    const { data, start } = section;
    const when = `${dayInWords(start + day)}, ${two(hour)}:00`;
    if (data.states[day] === MISSING) return `${when}: not fetched`;
    const index = day * HOURS + hour;
    const later = data.states[day] === PROVISIONAL ? " (provisional)" : "";
    if (!data.clicks[index]) return `${when}: not reported${later}`;
    const clicks = counted(data.clicks[index] - 1, "click", data.ofClicks);
    return `${when}: ${clicks}, ${counted(data.users[index], "unique user", data.ofUsers)}${later}`;
  }

  // -- the pictures of every hour

  class Picture {
    constructor(section, place, element, readout) {
      Object.assign(this, { section, place, element, readout });
      this.first = Number(element.dataset.first);
      this.days = Number(element.dataset.days);
      this.svg = element.querySelector("svg");
      const image = element.querySelector("image");
      [this.x, this.y, this.width, this.height] = ["x", "y", "width", "height"].map((name) =>
        Number(image.getAttribute(name)),
      );
      set(element, { role: "application", "aria-roledescription": "heat map", "aria-describedby": readout.id });
      element.addEventListener("keydown", (event) => this.key(event));
      this.svg.addEventListener("pointermove", (event) => this.point(event));
      this.svg.addEventListener("pointerdown", (event) => this.point(event));
    }

    // Return where the picture is, and how many of its units a pixel has.
    measured() {
      const box = this.svg.getBoundingClientRect();
      return [box, this.svg.viewBox.baseVal.width / box.width];
    }

    point(event) {
      const [box, scale] = this.measured();
      const across = ((event.clientX - box.left) * scale - this.x) / this.width;
      const down = ((event.clientY - box.top) * scale - this.y) / this.height;
      if (across < 0 || across >= 1 || down < 0 || down >= 1) return;
      this.section.show(this.first + Math.floor(across * this.days), Math.floor(down * HOURS));
    }

    key(event) {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const { section } = this;
      const last = section.data.days - 1;
      const [day, hour] = section.at && section.pictureOf(section.at[0]) === this ? section.at : [null, null];
      if (event.key === "Escape") {
        section.hide();
        return;
      }
      const moves = {
        ArrowLeft: [day - 1, hour],
        ArrowRight: [day + 1, hour],
        ArrowUp: [day, hour - 1],
        ArrowDown: [day, hour + 1],
        PageUp: [day - 30, hour],
        PageDown: [day + 30, hour],
        Home: [this.first, hour],
        End: [this.first + this.days - 1, hour],
      };
      if (!(event.key in moves)) return;
      event.preventDefault();
      const [nextDay, nextHour] = day === null ? [this.first, 0] : moves[event.key];
      section.show(Math.min(Math.max(nextDay, 0), last), Math.min(Math.max(nextHour, 0), HOURS - 1), true);
    }

    frame(day, hour) {
      const [width, height] = [this.width / this.days, this.height / HOURS];
      const cursor = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const [x, y] = [this.x + (day - this.first) * width - 1, this.y + hour * height - 1];
      set(cursor, { class: "cursor", x, y, width: width + 2, height: height + 2 });
      this.svg.append(cursor);
      return cursor;
    }

    reveal(day) {
      const [, scale] = this.measured();
      const left = (this.x + ((day - this.first) / this.days) * this.width) / scale;
      const seen = this.element.clientWidth;
      if (left < this.element.scrollLeft + 40 || left > this.element.scrollLeft + seen - 40) {
        this.element.scrollLeft = left - seen / 2;
      }
      if (document.activeElement !== this.element) this.element.focus();
    }
  }

  // -- a series

  class Section {
    constructor(element, data) {
      Object.assign(this, { element, data, at: null, cursor: null });
      this.start = Number(element.dataset.start);
      const found = [...element.querySelectorAll(".every-hour")];
      this.readout = document.createElement("p");
      set(this.readout, { id: `${element.id}-readout`, class: "readout", "aria-live": "polite" });
      this.readout.textContent = HINT;
      found.at(-1).after(this.readout);
      this.pictures = found.map((each, place) => new Picture(this, place, each, this.readout));
      const details = element.querySelector("details");
      details.hidden = false;
      details.addEventListener("toggle", () => this.list(details), { once: true });
    }

    pictureOf(day) {
      return this.pictures.findLast((picture) => picture.first <= day);
    }

    show(day, hour, reveal = false) {
      const picture = this.pictureOf(day);
      this.cursor?.remove();
      this.at = [day, hour];
      this.cursor = picture.frame(day, hour);
      this.readout.textContent = hourInWords(this, day, hour);
      if (picture.element.nextElementSibling !== this.readout) picture.element.after(this.readout);
      if (reveal) picture.reveal(day);
    }

    hide() {
      this.cursor?.remove();
      this.at = null;
      this.readout.textContent = HINT;
    }

    // The rows are made when the table is opened: many years of them would slow the page down.
    list(details) {
      const box = made("div", details);
      set(box, { class: "days", tabindex: 0, role: "group", "aria-label": "Table of all days" });
      const table = made("table", box);
      table.className = "list";
      const head = table.createTHead().insertRow();
      for (const name of ["Day", "Clicks", "Hours", "Busiest hour", "Status"]) made("th", head, name).scope = "col";
      const body = table.createTBody();
      for (let day = 0; day < this.data.days; day += 1) this.row(body.insertRow(), day);
    }

    row(row, day) {
      const state = this.data.states[day];
      const hours = this.data.clicks.subarray(day * HOURS, (day + 1) * HOURS);
      const { ofClicks } = this.data;
      const reported = hours.filter((count) => count > 0);
      const known = reported.length > 0;
      const most = Math.max(...hours);
      const total = reported.reduce((sum, count) => sum + count - 1, 0);
      made("th", row, dayInWords(this.start + day)).scope = "row";
      made("td", row, known ? ofClicks.said(total, most - 1) : "–");
      made("td", row, state === MISSING ? "–" : `${reported.length} of ${HOURS}`);
      made("td", row, known ? `${ofClicks.said(most - 1)} at ${two(hours.indexOf(most))}:00` : "–");
      made("td", row, ["not fetched", "provisional", "final"][state]);
    }
  }

  // -- the theme

  function offerThemes() {
    const root = document.documentElement;
    const button = document.getElementById("theme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const name = () => (button.textContent = isDark() ? "Light theme" : "Dark theme");
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      name();
    });
    system.addEventListener("change", name);
    name();
    button.hidden = false;
  }

  offerThemes();
  if (typeof DecompressionStream === "undefined") return; // an old browser sees what there is without a script
  for (const element of document.querySelectorAll(".target")) {
    const text = element.querySelector("script").textContent;
    unpacked(text, Number(element.dataset.days)).then((data) => new Section(element, data));
  }
})();
