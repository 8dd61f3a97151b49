/* A field that leaves of a page's tables the rows that hold all of its words.
   Pages ask for it by an empty <div class="row-filter">; without scripts, all rows are there. */
document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector(".row-filter");
  if (!place) return;
  const rows = [...document.querySelectorAll("article tbody tr")].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
  }));
  const tables = [...document.querySelectorAll("article table")].map((table) => ({
    rows: [...table.tBodies[0].rows],
    part: table.closest("section"),
  }));

  const label = document.createElement("label");
  const field = document.createElement("input");
  const count = document.createElement("output");
  field.type = "search";
  field.placeholder = place.dataset.example;
  label.append(place.dataset.label, field);
  place.append(label, count);

  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const { row, text } of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      left += !row.hidden;
    }
    for (const { rows, part } of tables) part.hidden = rows.every((row) => row.hidden);
    count.textContent = words.length ? `${left} of ${rows.length}` : "";
  };
  field.addEventListener("input", filter);
  filter(); // what a browser has kept in the field
});
