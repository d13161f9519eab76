/** Stands for a module that is never reached in a browser. */
export default {};
