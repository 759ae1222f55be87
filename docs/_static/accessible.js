/* What assistive technology needs and the theme leaves out. */
document.addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll("p.caption[role=heading]")) caption.ariaLevel = "2";
  document.querySelector("aside.sidebar-drawer")?.setAttribute("aria-label", "All pages");
  document.querySelector("aside.toc-drawer")?.setAttribute("aria-label", "On this page");

  // The parameters of a signature are no definitions: there are no terms.
  for (const list of document.querySelectorAll("dt.sig dl")) {
    const lines = [...list.children].map((each) => {
      const line = document.createElement("div");
      line.replaceChildren(...each.childNodes);
      return line;
    });
    const parameters = document.createElement("div");
    parameters.className = "parameters";
    parameters.replaceChildren(...lines);
    list.replaceWith(parameters);
  }

  // What is wider than the window scrolls, by the arrow keys as well.
  const reach = () => {
    for (const wide of document.querySelectorAll("pre, .table-wrapper")) {
      if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
      else wide.removeAttribute("tabindex");
    }
  };
  reach();
  addEventListener("load", reach);
  addEventListener("resize", reach);
});
