import { readFileSync } from 'node:fs';
import { request as requestHttp, type RequestOptions } from 'node:http';
import { request as requestHttps, type RequestOptions as HttpsRequestOptions } from 'node:https';

export interface ConsulRequestOptions {
  readonly method?: 'GET' | 'PUT';
  readonly body?: string;
  readonly token?: string | undefined;
  readonly timeoutMs?: number;
  readonly env?: NodeJS.ProcessEnv;
}

export interface ConsulAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * One request without the client under test, on a connection of its own: whoever starts and watches the
 * servers must not depend on what the specs are about.
 */
export async function consulRequest(
  address: string,
  path: string,
  { method = 'GET', body, token, timeoutMs = 2_000, env = process.env }: ConsulRequestOptions = {},
): Promise<ConsulAnswer> {
  const target = requestTarget(address, path, env);
  return await new Promise((resolve, reject) => {
    const request = (target.secure ? requestHttps : requestHttp)(
      {
        ...target.options,
        agent: false,
        method,
        signal: AbortSignal.timeout(timeoutMs),
        headers: { ...(token !== undefined && { 'X-Consul-Token': token }) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

interface RequestTarget {
  readonly secure: boolean;
  readonly options: RequestOptions & HttpsRequestOptions;
}

function requestTarget(address: string, path: string, env: NodeJS.ProcessEnv): RequestTarget {
  if (address.startsWith('unix://')) {
    return { secure: false, options: { socketPath: address.slice('unix://'.length), path } };
  }
  const scheme = env['CONSUL_HTTP_SSL'] === 'true' ? 'https' : 'http';
  const url = new URL(address.includes('://') ? address : `${scheme}://${address}`);
  const secure = url.protocol === 'https:';
  const options = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (address.includes('://') ? undefined : 8500),
    path: url.pathname.replace(/\/$/, '') + path,
  };
  return { secure, options: secure ? { ...options, ...tlsOptions(env) } : options };
}

function tlsOptions(env: NodeJS.ProcessEnv): HttpsRequestOptions {
  const file = (name: string): Buffer | undefined => (env[name] ? readFileSync(env[name]) : undefined);
  return {
    ca: file('CONSUL_CACERT'),
    cert: file('CONSUL_CLIENT_CERT'),
    key: file('CONSUL_CLIENT_KEY'),
    rejectUnauthorized: env['CONSUL_HTTP_SSL_VERIFY'] !== 'false',
    ...(env['CONSUL_TLS_SERVER_NAME'] && { servername: env['CONSUL_TLS_SERVER_NAME'] }),
  };
}
