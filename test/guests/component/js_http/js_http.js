// A path for each thing that a test asks: /hello, /echo, /headers, /proxy. Made by componentize-js, of a fetch event.

async function proxy(request) {
  const body = request.method === 'GET' ? undefined : request.body;
  const answer = await fetch(request.headers.get('x-target'), { method: request.method, body, duplex: 'half' });
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}

function headers(request) {
  const lines = [...request.headers].map(([name, value]) => `${name}: ${value}\n`);
  return new Response(`${request.method} ${request.url}\n${lines.join('')}`, { status: 201, headers: { 'x-language': 'JavaScript' } });
}

async function answer(request) {
  switch (new URL(request.url).pathname) {
    case '/hello':
      return new Response('hello from JavaScript\n');
    case '/echo':
      return new Response(request.body);
    case '/headers':
      return headers(request);
    case '/proxy':
      return proxy(request);
    case '/throw':
      throw new Error('thrown by JavaScript');
  }
  return new Response('no such thing\n', { status: 404 });
}

addEventListener('fetch', (event) => event.respondWith(answer(event.request)));
