import { defineConfig } from 'vite';

/** Builds the demonstration page into `dist`, from where the relay takes it into its binary. */
export default defineConfig({
  root: 'page',
  base: './',
  publicDir: 'public',
  worker: { format: 'es' },
  build: { outDir: '../dist', emptyOutDir: true, target: 'es2023', modulePreload: { polyfill: false } },
  server: { proxy: { '/tunnel': { target: 'ws://127.0.0.1:8080', ws: true } } },
});
