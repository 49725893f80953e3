# docker buildx build --platform wasi/wasm -f cpython.Dockerfile -t hello-cpython .
FROM scratch
COPY build/python /usr/local
COPY hello-wasm-world.py /
ENV PYTHONHOME=/usr/local
ENTRYPOINT ["/usr/local/python.wasm", "/hello-wasm-world.py"]
