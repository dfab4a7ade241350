// Checks that a request was sent by Callout and not changed on its way (Standard Webhooks).
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

var errNotValid = errors.New("not valid")

// Verify returns nil for a request that one of the secrets signed within the last five minutes.
//
// The body is the bytes that came, before anything parses them: io.ReadAll(r.Body), with r.Header beside it.
// Secrets are "whsec_…": one, or several of which any will do.
func Verify(body []byte, headers http.Header, secrets []string, now time.Time) error {
	id, timestamp := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseUint(timestamp, 10, 40)
	if err != nil {
		return errNotValid
	}
	age := now.Sub(time.Unix(int64(seconds), 0))
	if age > tolerance || age < -tolerance {
		return errNotValid
	}
	for _, secret := range secrets {
		key, err := keyOf(secret)
		if err != nil {
			return err
		}
		signed := hmac.New(sha256.New, key)
		signed.Write([]byte(id + "." + timestamp + "."))
		signed.Write(body)
		expected := "v1," + base64.StdEncoding.EncodeToString(signed.Sum(nil))
		for _, given := range strings.Split(headers.Get("webhook-signature"), " ") {
			if hmac.Equal([]byte(given), []byte(expected)) {
				return nil
			}
		}
	}
	return errNotValid
}

func keyOf(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	// An empty key would let anybody sign.
	if err != nil || !strings.HasPrefix(secret, "whsec_") || len(key) < 24 {
		return nil, errors.New("a secret is whsec_ and base64")
	}
	return key, nil
}

// To try it: go run verify.go ID TIMESTAMP SIGNATURE SECRET… < body
func main() {
	headers := http.Header{}
	headers.Set("webhook-id", os.Args[1])
	headers.Set("webhook-timestamp", os.Args[2])
	headers.Set("webhook-signature", os.Args[3])
	body, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = Verify(body, headers, os.Args[4:], time.Now())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("valid")
}
