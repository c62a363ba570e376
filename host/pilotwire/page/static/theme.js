// Before the first paint, so that nothing flashes: what was chosen here, else what the system says.
document.documentElement.dataset.theme = localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
