/** TCPSocket once it is constructed, by the steps of WICG Direct Sockets §1. */
import { beforeEach, describe, expect, test } from 'vitest';
import { ENDS, FakeNetwork, type FakeTcp, turn } from '../../test/fake-network.js';
import { EthertabError } from '../errors.js';
import { directSockets } from './index.js';
import type { TCPSocketConstructor, TCPSocketOpenInfo, TCPSocket as TCPSocketType } from './types.js';

let network: FakeNetwork;
let TCPSocket: TCPSocketConstructor;

beforeEach(() => {
  network = new FakeNetwork();
  ({ TCPSocket } = directSockets(network));
});

const text = (string: string) => new TextEncoder().encode(string);
const networkError = { name: 'NetworkError' };
const invalidState = { name: 'InvalidStateError' };
const reset = () => new EthertabError('ECONNRESET', 'reset by peer');

async function opened(): Promise<{ socket: TCPSocketType; inner: FakeTcp; info: TCPSocketOpenInfo }> {
  const socket = new TCPSocket('peer', 7);
  const inner = network.tcp.at(-1) as FakeTcp;
  inner.open();
  return { socket, inner, info: await socket.opened };
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  const settled = () => {
    pending = false;
  };
  promise.then(settled, settled);
  await turn();
  return pending;
}

describe('opening', () => {
  test('resolves with the streams and the addresses', async () => {
    const { info } = await opened();
    expect(info).toEqual({ readable: expect.any(ReadableStream), writable: expect.any(WritableStream), ...ENDS });
  });

  test('that fails rejects opened and closed with one NetworkError, which says why', async () => {
    const socket = new TCPSocket('peer', 7);
    const refused = new EthertabError('ECONNREFUSED', 'connection refused');
    network.tcp[0]?.break(refused);
    const error = await socket.opened.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toMatchObject({ ...networkError, cause: refused });
    expect(await socket.closed.catch((error: unknown) => error)).toBe(error);
  });
});

describe('the readable', () => {
  test('is a byte stream: a BYOB reader gets its own view back, as full as there are bytes', async () => {
    const { inner, info } = await opened();
    inner.receive(1, 2, 3);
    const reader = info.readable.getReader({ mode: 'byob' });
    const { value } = await reader.read(new Uint8Array(2));
    expect(value).toEqual(new Uint8Array([1, 2]));
    expect((await reader.read(new Uint8Array(8))).value).toEqual(new Uint8Array([3]));
    const reading = reader.read(new Uint8Array(8));
    inner.end();
    expect(await reading).toEqual({ done: true, value: new Uint8Array(0) });
  });

  test('ends once, though what a BYOB reader left of the last bytes is cancelled afterwards', async () => {
    const { socket, inner, info } = await opened();
    inner.receive(1, 2, 3);
    const reader = info.readable.getReader({ mode: 'byob' });
    await reader.read(new Uint8Array(1));
    inner.end();
    await turn();
    await reader.cancel();
    expect(await isPending(socket.closed)).toBe(true);
    expect(inner.closes).toBe(0);
  });

  test("is closed by the peer's FIN, after the last bytes, and the writable goes on", async () => {
    const { socket, inner, info } = await opened();
    inner.receive(1);
    inner.end();
    const reader = info.readable.getReader();
    expect((await reader.read()).value).toEqual(new Uint8Array([1]));
    expect((await reader.read()).done).toBe(true);
    await info.writable.getWriter().write(text('still'));
    expect(inner.text).toBe('still');
    expect(await isPending(socket.closed)).toBe(true);
  });

  test('that nobody reads is closed by a FIN all the same', async () => {
    const { inner, info } = await opened();
    const reader = info.readable.getReader();
    inner.end();
    await reader.closed;
  });

  test('is errored by a reset, and so are the writable and closed, with the same NetworkError', async () => {
    const { socket, inner, info } = await opened();
    const reader = info.readable.getReader();
    const writer = info.writable.getWriter();
    const error = reset();
    inner.break(error);
    const seen = await reader.read().catch((error: unknown) => error);
    expect(seen).toMatchObject({ ...networkError, cause: error });
    await expect(writer.closed).rejects.toBe(seen);
    await expect(socket.closed).rejects.toBe(seen);
  });

  test('when cancelled discards the rest, and the writable goes on', async () => {
    const { socket, inner, info } = await opened();
    await info.readable.cancel();
    expect(inner.cancelled).toBe(true);
    await info.writable.getWriter().write(text('on'));
    expect(inner.text).toBe('on');
    expect(await isPending(socket.closed)).toBe(true);
  });
});

describe('the writable', () => {
  test('takes buffers and views, by their bytes at the time', async () => {
    const { inner, info } = await opened();
    const writer = info.writable.getWriter();
    const bytes = new Uint8Array([65, 66, 67, 68]);
    const writing = writer.write(bytes.subarray(1, 3));
    bytes.fill(0);
    await writing;
    await writer.write(new Uint8Array([69, 70]).buffer);
    await writer.write(new DataView(new Uint8Array([71, 72, 73]).buffer, 1));
    expect(inner.text).toBe('BCEFHI');
  });

  test.each<[string, unknown]>([
    ['a string', 'text'],
    ['nothing', undefined],
    ['an array', [1, 2]],
    ['shared memory', new Uint8Array(new SharedArrayBuffer(4))],
  ])('refuses %s with a TypeError, which ends it', async (_, chunk) => {
    const { inner, info } = await opened();
    const writer = info.writable.getWriter();
    // @ts-expect-error: no BufferSource
    await expect(writer.write(chunk)).rejects.toBeInstanceOf(TypeError);
    await expect(writer.closed).rejects.toBeInstanceOf(TypeError);
    expect(inner.sent).toEqual([]);
  });

  test('when closed sends the FIN after what was written, and the readable goes on', async () => {
    const { socket, inner, info } = await opened();
    const writer = info.writable.getWriter();
    writer.write(text('all of it'));
    await writer.close();
    expect(inner.text).toBe('all of it');
    expect(inner.finished).toBe(true);
    expect(inner.closes).toBe(0);
    inner.receive(1);
    expect((await info.readable.getReader().read()).value).toEqual(new Uint8Array([1]));
    expect(await isPending(socket.closed)).toBe(true);
  });

  test('when aborted shuts the sending half down, and resets nothing', async () => {
    const { inner, info } = await opened();
    await info.writable.abort('enough');
    await turn();
    expect(inner.finished).toBe(true);
    expect(inner.aborted).toBeNull();
  });

  test('when aborted lets go of a write that does not get through', async () => {
    const { inner, info } = await opened();
    inner.stuck = new Promise(() => {});
    const writer = info.writable.getWriter();
    const writing = writer.write(text('never')).catch((reason: unknown) => reason);
    await turn();
    await writer.abort('enough');
    expect(await writing).toBe('enough');
  });
});

describe('closed', () => {
  test('resolves when both streams have ended in order, whichever is first, and the socket is let go', async () => {
    for (const first of ['readable', 'writable']) {
      const { socket, inner, info } = await opened();
      const ends = [() => inner.end(), () => info.writable.close()];
      for (const end of first === 'readable' ? ends : ends.reverse()) {
        expect(inner.closes).toBe(0);
        await end();
        await turn();
      }
      await socket.closed;
      expect(inner.closes).toBe(1);
    }
  });

  test('rejects with what ended a stream in error, once the other has ended too', async () => {
    const { socket, inner, info } = await opened();
    const error = await info.writable
      .getWriter()
      .write('text' as never)
      .catch((error: unknown) => error);
    expect(await isPending(socket.closed)).toBe(true);
    inner.end();
    await expect(socket.closed).rejects.toBe(error);
  });
});

describe('close()', () => {
  test('rejects with InvalidStateError before the socket is open', async () => {
    const socket = new TCPSocket('peer', 7);
    await expect(socket.close()).rejects.toMatchObject(invalidState);
  });

  test('rejects with InvalidStateError when opening has failed', async () => {
    const socket = new TCPSocket('peer', 7);
    network.tcp[0]?.break(reset());
    await expect(socket.opened).rejects.toMatchObject(networkError);
    await expect(socket.close()).rejects.toMatchObject(invalidState);
  });

  test.each(['readable', 'writable'] as const)('rejects with InvalidStateError while the %s is locked', async (stream) => {
    const { socket, inner, info } = await opened();
    const lock = stream === 'readable' ? info.readable.getReader() : info.writable.getWriter();
    await expect(socket.close()).rejects.toMatchObject(invalidState);
    expect(inner.closes).toBe(0);
    lock.releaseLock();
    await socket.close();
    expect(inner.closes).toBe(1);
  });

  test('cancels the readable, aborts the writable, and returns closed', async () => {
    const { socket, inner, info } = await opened();
    const closing = socket.close();
    expect(closing).toBe(socket.closed);
    await closing;
    expect(inner.cancelled).toBe(true);
    expect(await info.readable.getReader().read()).toMatchObject({ done: true });
    await expect(info.writable.getWriter().write(text('late'))).rejects.toBeUndefined();
  });

  test('is harmless twice', async () => {
    const { socket, inner } = await opened();
    await Promise.all([socket.close(), socket.close()]);
    await socket.close();
    expect(inner.closes).toBe(1);
  });

  test('returns closed once it is settled, whatever is locked', async () => {
    const { socket, inner, info } = await opened();
    info.readable.getReader();
    const error = reset();
    inner.break(error);
    await expect(socket.closed).rejects.toMatchObject(networkError);
    await expect(socket.close()).rejects.toMatchObject({ cause: error });
  });
});
