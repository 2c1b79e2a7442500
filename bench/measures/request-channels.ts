/** Where Node tells of every HTTP request of this process: when it is sent, and when its answer begins. */
export const [REQUEST_SENT, REQUEST_ANSWERED] = [
  'http.client.request.start',
  'http.client.response.finish',
] as const;
