import { describe, expect, it } from '@jest/globals';
import { consulUnderTest } from '../support/consul.ts';
import { consulRequest } from '../support/consul-server/consul-request.ts';

describe('the Consul of this run', () => {
  it('answers and knows a leader', async () => {
    const { status, text } = await consulRequest(consulUnderTest().address, '/v1/status/leader');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatch(/:\d+$/);
  });
});
