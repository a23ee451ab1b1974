import { defineConfig } from 'vitest/config';

// The application lives below /app/; `static` serves this folder as it is and answers unknown paths with index.html.
export default defineConfig({
  base: '/app/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    sourcemap: false,
    // One style sheet: Vite takes one of a lazy part that failed to load for loaded at the next try, and shows the part without.
    cssCodeSplit: false,
    assetsInlineLimit: 0, // inlined assets would need data: in the Content-Security-Policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  test: {
    include: ['tests/unit/**/*.test.ts'],
    environment: 'node',
    testTimeout: 10000,
  },
});
