/** Zstandard (RFC 8878) by fzstd. The package carries a copy in place of this file, so that it loads without a bundler. */
export { Decompress } from 'fzstd';
