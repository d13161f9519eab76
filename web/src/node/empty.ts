/** In place of a module of Node that a program loads and can do without. */
export default {};
