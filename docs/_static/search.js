/*
 * Let the search of Sphinx find three more things: numbers such as 429, which are in the index (see
 * docs/searching.py) but are taken out of what is asked; headings, to which a message or a part of it leads
 * directly; and before these, pages about a subject, such as Docker, by a word of their titles. A message may be
 * pasted with all that is in it; the heading holds the part that is always the same.
 */
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return; // not the search page

  const heading = document.createElement("h1");
  heading.className = "visually-hidden";
  heading.textContent = "Search";
  document.querySelector("#search-results").before(heading);

  const LEAST = 8; // characters of a part of a heading, to be looked for in what is asked
  const TOP = 1000;

  const plain = (text) => text.toLowerCase().replace(/[“”"'`‘’]/g, "").replace(/\s+/g, " ").trim();

  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    const parsed = parse(query);
    const [, searched, , highlighted] = parsed;
    for (const word of splitQuery(query.trim())) {
      if (/^\d{1,3}$/.test(word)) {
        searched.add(word);
        highlighted.add(word);
      }
    }
    return parsed;
  };

  const asWords = (text) => ` ${text.replace(/[^\p{L}\p{N}]+/gu, " ").trim()} `;

  const leadsTo = (title, query) => {
    if (query.length > 2 && asWords(plain(title)).includes(asWords(query))) return true;
    const parts = title.split(/[“”…]|, /).map(plain);
    return parts.some((part) => part.length >= LEAST && query.includes(part));
  };

  const perform = Search._performSearch;
  Search._performSearch = (query, ...terms) => {
    const found = perform(query, ...terms);
    const { alltitles, docnames, filenames, titles } = Search._index;
    const asked = plain(query);
    const headings = Object.entries(alltitles)
      .filter(([title]) => leadsTo(title, asked))
      .flatMap(([title, places]) =>
        places
          .filter(([file, id]) => id !== null && titles[file] !== title)
          .map(([file, id]) => [
            docnames[file],
            `${titles[file]} > ${title}`,
            `#${id}`,
            null,
            TOP,
            filenames[file],
            SearchResultKind.title,
          ]),
      );
    const pages = Object.entries(titles)
      .filter(([, title]) => asked.length > 2 && asWords(plain(title)).includes(asWords(asked).trimEnd()))
      .map(([file, title]) => [docnames[file], title, "", null, TOP + 1, filenames[file], SearchResultKind.title]);
    pages.sort(([page]) => (page.startsWith("how-to/") ? 1 : -1)); // the last one is shown first
    const known = new Set([...pages, ...headings].map(([page, , anchor]) => page + anchor));
    const others = found.filter(([page, , anchor]) => !known.has(page + anchor));
    headings.sort(([page]) => (page.endsWith("faq") ? 1 : -1)); // the last one is shown first
    return [...others, ...headings, ...pages];
  };
});
