import Consul from 'consul';
import { clientOptions } from '../../lib/consul-env.ts';

/** A client of the `consul` package for an address in any form that `CONSUL_HTTP_ADDR` may have. */
export function clientFor(address: string, { token }: { token?: string } = {}): Consul {
  const env = {
    ...process.env,
    CONSUL_HTTP_ADDR: address,
    ...(token !== undefined && { CONSUL_HTTP_TOKEN: token }),
  };
  return new Consul(clientOptions(env));
}
