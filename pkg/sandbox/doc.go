// Package sandbox is the container around one process.
package sandbox
