package main

import (
	"bytes"
	"encoding/binary"
	"net"
)

// kfake answers a SASL handshake without naming its mechanisms, as no real broker does; clients that look them up
// (kafkajs) then give up. namingMechanisms adds the names to the first handshake answer of each connection.
func namingMechanisms(listen listenFn, mechanism string) listenFn {
	return func(network, address string) (net.Listener, error) {
		listener, err := listen(network, address)
		return namingListener{listener, mechanism}, err
	}
}

type namingListener struct {
	net.Listener
	mechanism string
}

func (listener namingListener) Accept() (net.Conn, error) {
	connection, err := listener.Listener.Accept()
	return &namingConnection{Conn: connection, mechanism: listener.mechanism}, err
}

type namingConnection struct {
	net.Conn
	mechanism string
	isNamed   bool
}

// A handshake answer in full: size, correlation id, error code 0, no mechanisms.
const handshakeAnswerSize = 4 + 4 + 2 + 4

func (connection *namingConnection) Write(answer []byte) (int, error) {
	isHandshake := len(answer) == handshakeAnswerSize && bytes.Equal(answer[8:], make([]byte, 6))
	if connection.isNamed || !isHandshake {
		return connection.Conn.Write(answer)
	}
	connection.isNamed = true
	named := append([]byte{}, answer[:10]...)
	named = binary.BigEndian.AppendUint32(named, 1)
	named = binary.BigEndian.AppendUint16(named, uint16(len(connection.mechanism)))
	named = append(named, connection.mechanism...)
	binary.BigEndian.PutUint32(named, uint32(len(named)-4))
	_, err := connection.Conn.Write(named)
	return len(answer), err
}
