const form = document.getElementById("filters"), rows = [...document.querySelectorAll("#list > details")];
const count = document.getElementById("count");
const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
function filter() {
  const wanted = new FormData(form), find = (wanted.get("words") || "").trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    row.hidden = ["split", "outcome", "stage", "kind", "changed"].some((name) => wanted.get(name) && row.dataset[name] !== wanted.get(name))
      || !words.get(row).includes(find);
    shown += !row.hidden;
  }
  count.textContent = `${shown} of ${rows.length} questions`;
}
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();
