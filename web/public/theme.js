// Sets the chosen theme before the first paint, so that nobody sees a flash of the other one.
try {
  const theme = localStorage.getItem('atrium.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {}
