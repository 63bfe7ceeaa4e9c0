import { defineConfig } from 'vite'

export default defineConfig({
  base: '/console/',
  build: {
    target: 'es2023',
    assetsDir: 'assets',
    // Files of ours alone, also for what is small: the policy of the page allows no script within it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: 'manifest.json',
    cssCodeSplit: false,
  },
})
