// CloudFront function, viewer response of the notice page: the origin's 200 becomes a 503 that nobody keeps.
var RETRY_AFTER_SECONDS = 300;

function handler(event) {
  var response = event.response;
  response.statusCode = 503;
  response.statusDescription = 'Service Unavailable';
  response.headers['retry-after'] = { value: String(RETRY_AFTER_SECONDS) };
  response.headers['cache-control'] = { value: 'no-store' };
  delete response.headers['etag'];
  delete response.headers['last-modified'];
  return response;
}
