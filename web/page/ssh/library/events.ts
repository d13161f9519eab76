/** What the SSH library uses of vscode-jsonrpc: the rest of that speaks JSON-RPC over Node's sockets. */
export { CancellationToken, CancellationTokenSource } from 'vscode-jsonrpc/lib/cancellation.js';
export { Emitter } from 'vscode-jsonrpc/lib/events.js';
