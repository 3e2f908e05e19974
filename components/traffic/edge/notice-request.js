// CloudFront function, viewer request of the notice page: every path shows the one page, every other method is told no.
var RETRY_AFTER_SECONDS = 300;

function handler(event) {
  var request = event.request;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return {
      statusCode: 503,
      statusDescription: 'Service Unavailable',
      headers: {
        'retry-after': { value: String(RETRY_AFTER_SECONDS) },
        'cache-control': { value: 'no-store' }
      }
    };
  }
  request.uri = '/index.html';
  request.querystring = {};
  // A 304 or 206 would be turned into a 503 without the page.
  delete request.headers['if-none-match'];
  delete request.headers['if-modified-since'];
  delete request.headers['range'];
  return request;
}
