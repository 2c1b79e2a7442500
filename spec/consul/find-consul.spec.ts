import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeWithOwnAgents, consulUnderTest } from '../support/consul.ts';
import { findConsul, findConsulBinary } from '../support/consul-server/find-consul.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consul-lock-spec-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('findConsul', () => {
  describe('with CONSUL_HTTP_ADDR', () => {
    let server: Server;
    beforeEach(() => {
      server = createServer((_incoming, response) => response.end('"127.0.0.1:8300"'));
    });
    afterEach(() => {
      server.close();
    });

    it.each(['127.0.0.1:%d', 'http://127.0.0.1:%d', 'http://127.0.0.1:%d/'])(
      'takes %s as it is',
      async (form) => {
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const address = form.replace('%d', String((server.address() as AddressInfo).port));
        await using consul = await findConsul({ env: { CONSUL_HTTP_ADDR: address } });
        expect(consul).toMatchObject({ address, origin: 'environment', ownServer: false });
        expect(consul.binary).toBeUndefined();
      },
    );

    it('takes a Unix socket as it is', async () => {
      const socket = join(folder, 'consul.sock');
      server.listen(socket);
      await once(server, 'listening');
      await using consul = await findConsul({ env: { CONSUL_HTTP_ADDR: `unix://${socket}` } });
      expect(consul.address).toBe(`unix://${socket}`);
    });

    it('fails when nobody answers there, and tries nothing else', async () => {
      const env = { ...process.env, CONSUL_HTTP_ADDR: '127.0.0.1:1' };
      await expect(findConsul({ env, answerWithinMs: 50 })).rejects.toThrow(
        /CONSUL_HTTP_ADDR is set, but of no use: .*127\.0\.0\.1:1.*ECONNREFUSED/,
      );
    });
  });

  it('fails when CONSUL_BIN does not run as Consul', async () => {
    const env = { CONSUL_BIN: process.execPath };
    await expect(findConsul({ env, folder })).rejects.toThrow(/CONSUL_BIN is .*does not run as Consul/);
  });

  it('says what it tried, and what to do, when there is no Consul to be had', async () => {
    const failure = findConsul({ env: { PATH: folder }, folder });
    for (const words of [
      'CONSUL_HTTP_ADDR: not set',
      'CONSUL_BIN: not set',
      'consul on the PATH: not there',
      'Docker Compose: there is no docker on the PATH',
      "Debian's package consul: there is no apt-get on the PATH",
      'install Consul',
    ]) {
      await expect(failure).rejects.toThrow(words);
    }
  });
});

describe('findConsulBinary', () => {
  it('says what it tried when there is none', async () => {
    await expect(findConsulBinary({ env: { PATH: folder }, folder })).rejects.toThrow(
      /CONSUL_BIN.*PATH.*Debian/s,
    );
  });

  it('takes a fetched binary again', async () => {
    const fetched = join(folder, `consul-${process.platform}-${process.arch}`);
    await writeFile(fetched, '');
    await expect(findConsulBinary({ env: { PATH: folder }, folder })).resolves.toBe(fetched);
  });

  it('leaves nothing behind when it cannot fetch one', async () => {
    await expect(findConsulBinary({ env: { PATH: folder }, folder })).rejects.toThrow(/no apt-get/);
    await expect(readdir(folder)).resolves.toEqual([]);
  });
});

describeWithOwnAgents('findConsul with CONSUL_BIN', () => {
  it('starts a server that ends when it is stopped', async () => {
    const { binary } = consulUnderTest();
    const consul = await findConsul({ env: { CONSUL_BIN: binary } });
    expect(consul).toMatchObject({ origin: 'binary', ownServer: true, binary });
    await consul.stop();
    await expect(
      findConsul({ env: { CONSUL_HTTP_ADDR: consul.address }, answerWithinMs: 0 }),
    ).rejects.toThrow('ECONNREFUSED');
  });
});
