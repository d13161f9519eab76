import { defineConfig } from 'vitest/config';

/**
 * Tests stand beside what they test. (The page's vite.config.ts has another root, so it is not used here.) A busy machine makes them slow,
 * not wrong.
 */
export default defineConfig({ test: { include: ['{src,page,test}/**/*.test.ts'], testTimeout: 60_000 } });
