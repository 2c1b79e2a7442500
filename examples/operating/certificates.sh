# An authority of your own. Its key stays with you; ca.pem goes to everybody.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
  -subj '/CN=Consul authority' -keyout ca.key -out ca.pem

# For the agents: the names under which programs reach them.
cat > server.ext <<'END'
subjectAltName = DNS:server.dc1.consul, DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth, clientAuth
END
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -subj '/CN=server.dc1.consul' -keyout server.key -out server.csr
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 \
  -extfile server.ext -out server.pem

# For the programs.
cat > client.ext <<'END'
extendedKeyUsage = clientAuth
END
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
  -subj '/CN=shop' -keyout client.key -out client.csr
openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 \
  -extfile client.ext -out client.pem
