import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { describeWithOwnAgents, startAgent } from '../support/consul.ts';
import type { ConsulAgent } from '../support/consul-server/consul-agent.ts';
import { freePorts } from '../support/consul-server/free-ports.ts';
import { projectFolder } from '../support/consul-server/project-folder.ts';
import { runCommand } from '../support/consul-server/run-command.ts';
import { createTemporaryFolder, removeTemporaryFolder } from '../support/consul-server/temporary-folder.ts';
import { Example } from '../support/example.ts';
import { readProjectFile } from '../support/readme-samples.ts';

jest.setTimeout(30_000);

const INSTALLED = '/etc/consul.d';

const hasOpenssl = await runCommand('openssl', ['version']).then(
  () => true,
  () => false,
);

describeWithOwnAgents('TLS as docs/operating.md sets it up', () => {
  const unlessMissing = hasOpenssl ? describe : describe.skip;

  unlessMissing('with certificates of OpenSSL', () => {
    let folder: string;
    let foreign: string;
    let agent: ConsulAgent;
    let environment: Record<string, string>;

    /** A folder with an authority of its own, and what it has signed. */
    async function certificates(): Promise<string> {
      const made = await createTemporaryFolder();
      const script = join(projectFolder(), 'examples/operating/certificates.sh');
      await runCommand('sh', ['-e', script], { cwd: made });
      return made;
    }

    beforeAll(async () => {
      [folder, foreign] = await Promise.all([certificates(), certificates()]);
      const [port] = await freePorts(1, '127.0.0.1');
      const here = (text: string): string =>
        text.replaceAll(INSTALLED, folder).replaceAll('8501', String(port));
      const config = JSON.parse(here(readProjectFile('examples/operating/tls.json'))) as Record<
        string,
        unknown
      >;
      agent = await startAgent({ config });
      const lines = here(readProjectFile('examples/operating/environment.sh')).matchAll(
        /^export (\w+)=(.*)$/gm,
      );
      environment = Object.fromEntries(Array.from(lines, ([, name = '', value = '']) => [name, value]));
    });
    afterAll(async () => {
      await agent.stop();
      await Promise.all([folder, foreign].map(removeTemporaryFolder));
    });

    async function take(
      changes: Record<string, string> = {},
    ): Promise<{ printed: string; code: number | null }> {
      await using example = await Example.start('examples/hold.ts', [], { ...environment, ...changes });
      return await example.ended();
    }

    it('lets a program take a lock', async () => {
      expect(await take()).toEqual({ printed: 'sent to 42\n', code: 0 });
    });

    it('lets it in by the name of the server, too', async () => {
      const changes = {
        CONSUL_HTTP_ADDR: environment['CONSUL_HTTP_ADDR']!.replace('localhost', '127.0.0.1'),
      };
      expect(await take({ ...changes, CONSUL_TLS_SERVER_NAME: 'server.dc1.consul' })).toMatchObject({
        code: 0,
      });
    });

    it.each<[string, (foreign: string) => Record<string, string>]>([
      ['an unknown authority', () => ({ CONSUL_CACERT: '' })],
      ['another authority', (other) => ({ CONSUL_CACERT: join(other, 'ca.pem') })],
      ['a name that is not in the certificate', () => ({ CONSUL_TLS_SERVER_NAME: 'server.dc2.consul' })],
      ['a program without a certificate', () => ({ CONSUL_CLIENT_CERT: '', CONSUL_CLIENT_KEY: '' })],
      [
        "a program with another authority's certificate",
        (other) => ({
          CONSUL_CLIENT_CERT: join(other, 'client.pem'),
          CONSUL_CLIENT_KEY: join(other, 'client.key'),
        }),
      ],
    ])('keeps out %s', async (_title, changes) => {
      const { printed, code } = await take(changes(foreign));
      expect([printed, code]).toEqual([expect.stringContaining('CONSUL_UNAVAILABLE'), 1]);
      expect(printed).not.toContain('sent');
    });

    it('tells a program that speaks plain HTTP', async () => {
      const { printed, code } = await take({ CONSUL_HTTP_SSL: 'false' });
      expect([printed, code]).toEqual([expect.stringContaining('CONSUL_REJECTED'), 1]);
      expect(printed).toContain('HTTPS');
    });

    it.each([
      ['CONSUL_CLIENT_KEY', { CONSUL_CLIENT_KEY: '' }],
      ['CONSUL_CACERT', { CONSUL_CACERT: '/does/not/exist' }],
    ])('is refused at once when %s is missing, by its name', async (name, changes) => {
      const { printed, code } = await take(changes);
      expect([printed, code]).toEqual([expect.stringMatching(`TypeError.*: ${name}`), 1]);
    });
  });
});
