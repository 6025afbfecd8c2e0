// This file lets advance.go declare a function without a body.
