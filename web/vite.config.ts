import { resolve } from 'node:path';
import { defineConfig } from 'vite';

const ssh = resolve(import.meta.dirname, 'page/ssh/library');

/** Builds the demonstration page into `dist`, from where the relay takes it into its binary. */
export default defineConfig({
  root: 'page',
  base: './',
  publicDir: 'public',
  worker: { format: 'es' },
  resolve: {
    // Of what the SSH library names, only this is for a browser: the rest is Node's cryptography, and groups that ECDH replaced.
    alias: [
      { find: /^buffer$/, replacement: 'buffer/' },
      { find: /^vscode-jsonrpc$/, replacement: resolve(ssh, 'events.ts') },
      { find: /^(diffie-hellman|\.\/node\/node\w+)$/, replacement: resolve(ssh, 'nothing.ts') },
    ],
  },
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    // Parts of that library take the global for granted.
    rolldownOptions: { transform: { inject: { Buffer: ['buffer', 'Buffer'] } } },
  },
  server: { proxy: { '/tunnel': { target: 'ws://127.0.0.1:8080', ws: true } } },
});
